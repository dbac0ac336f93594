// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ManagementTypes

/// Permissions of storages as people read them.
enum PermissionsText {
  static func print(_ storages: [PermissionsView]) {
    for (index, storage) in storages.enumerated() {
      if index > 0 { Output.line() }
      for line in lines(storage) { Output.line(Failure.clean(line)) }
    }
  }

  /// One storage: its state, then a line a permission, with a mark in front.
  static func lines(_ storage: PermissionsView) -> [String] {
    var lines = [
      "storage  \(storage.storeid)", "plugin   \(storage.plugin)", "digest   \(storage.digest)",
      "state    \(storage.state): \(meaning(storage.state))",
    ]
    for item in storage.items {
      var line = "  \(mark(item)) \(item.permission)"
      if let granted = item.granted, granted != item.permission { line += " → \(granted)" }
      if let resolved = item.resolved, resolved != item.permission { line += "  [\(resolved)]" }
      if item.optional { line += " (optional)" }
      if item.new { line += " (new)" }
      lines.append(line)
      if !item.reason.isEmpty { lines.append("        \(item.reason)") }
      if let warning = item.warning { lines.append("        WARNING: \(warning)") }
    }
    // What is asked for without being a line of its own, such as a promise that was taken back.
    for line in storage.added where !storage.items.contains(where: { $0.permission == line }) {
      lines.append("  no   \(line) (new)")
    }
    lines += storage.removed.map { "  gone \($0)" }
    if storage.items.isEmpty && storage.added.isEmpty { lines.append("  it asks for nothing") }
    return lines
  }

  /// What a plugin asks for, each with the vendor's reason and our warning.
  ///
  /// - Parameter config: properties of the storage it is asked for; what a line means with them is added in brackets.
  static func asked(_ plugin: PluginView, config: [String: String] = [:]) -> [String] {
    plugin.permissions.flatMap { permission -> [String] in
      let ask = plugin.asks.first { $0.permission == permission }
      let meant = config.reduce(permission) { $0.replacing("${config.\($1.key)}", with: $1.value) }
      var lines = ["  \(permission)" + (meant == permission ? "" : "  [\(meant)]")]
      if ask?.optional == true { lines[0] += " (optional)" }
      if let reason = ask?.reason, !reason.isEmpty { lines.append("        \(reason)") }
      if let warning = ask?.warning { lines.append("        WARNING: \(warning)") }
      return lines.map(Failure.clean)
    }
  }

  private static func mark(_ item: PermissionsView.Item) -> String {
    guard let granted = item.granted else { return "no  " }
    return granted == item.permission ? "yes " : "part"
  }

  static func meaning(_ state: String) -> String {
    switch state {
    case "granted": "all that is asked for is granted"
    case "reduced": "it runs without what it can do without"
    case "missing": "disabled: something that it needs is not granted"
    case "grown": "disabled: the plugin was changed and asks for more"
    case "replaced": "disabled: another plugin than the one that was agreed to"
    case "none": "disabled: nobody agreed to anything"
    default: "unknown to this program"
    }
  }
}
