// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import ManagementTypes

/// The storage types of a plugin as people read them: what they hold, and the options of `berth storage add`.
enum StorageTypeText {
  static func lines(_ plugin: PluginView) -> [String] {
    let types = plugin.manifest?["storageTypes"]?.arrayValue ?? []
    // Without a manifest that can be read the names are all there is.
    guard !types.isEmpty else { return ["types        \(plugin.types.joined(separator: ", "))"] }
    return types.flatMap(lines)
  }

  private static func lines(_ type: JSON) -> [String] {
    var title = type["type"]?.stringValue ?? "-"
    if let text = type["title"]?.stringValue { title += " (\(text))" }
    var lines = [
      "type         \(title): content \(choice(type["content"])); formats \(choice(type["formats"])) (*: unless chosen)"
    ]
    let schema = type["configSchema"]
    let required = Set((schema?["required"]?.arrayValue ?? []).compactMap(\.stringValue))
    let options = (schema?["properties"]?.objectValue ?? [:]).map { ($0.key, $0.value) }.sorted { left, right in
      let isFirst = required.contains(left.0)
      return isFirst == required.contains(right.0) ? left.0 < right.0 : isFirst
    }
    let width = options.map(\.0.count).max() ?? 0
    for (name, property) in options {
      var line = "  option     " + name + String(repeating: " ", count: width - name.count)
      line += "  " + kind(property)
      if required.contains(name) { line += ", required" }
      if property["x-fixed"]?.boolValue == true { line += ", fixed" }
      if property["x-sensitive"]?.boolValue == true { line += ", secret (--secret \(name))" }
      if let standard = property["default"] { line += ", \(standard.stringValue ?? standard.text()) unless given" }
      if let text = property["description"]?.stringValue { line += ": \(text)" }
      lines.append(line)
    }
    return lines
  }

  /// `{"supported": ["raw", "qcow2"], "default": "raw"}`: the default marked.
  private static func choice(_ choice: JSON?) -> String {
    let standard = choice?["default"]
    let standards = Set((standard?.arrayValue ?? [standard ?? .null]).compactMap(\.stringValue))
    let all = (choice?["supported"]?.arrayValue ?? []).compactMap(\.stringValue)
    return all.map { standards.contains($0) && all.count > 1 ? "\($0)*" : $0 }.joined(separator: " ")
  }

  private static func kind(_ property: JSON) -> String {
    if let values = property["enum"]?.arrayValue {
      return "one of " + values.map { $0.stringValue ?? $0.text() }.joined(separator: "|")
    }
    return property["format"]?.stringValue ?? property["type"]?.stringValue ?? "anything"
  }
}
