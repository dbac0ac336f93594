// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension ManifestReader {
  private static let typePattern = Pattern(constant: "^[a-z][a-z0-9-]*$")
  private static let grammars: Set<String> = ["directory", "lvm", "lvmthin", "zfspool", "rbd", "block"]

  /// A path inside the bundle: relative, no `..`, no empty parts.
  mutating func bundlePath(_ object: JSONObject, _ key: String, _ path: JSONPath) -> String? {
    guard let text = text(object, key, path) else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
      note(path.appending(key), "must be a path inside the bundle, such as bin/plugin, without '..'")
      return nil
    }
    return text
  }

  mutating func methods(_ object: JSONObject, _ path: JSONPath) -> Set<String> {
    let names = names(object, "methods", path, .length(1...64), required: true)
    let inner = path.appending("methods")
    for (place, name) in names.enumerated() {
      guard let method = MethodTable[name] else {
        if refusesUnknown { note(inner.appending(place), "\(ForeignText.quoted(name)) is no method of the protocol") }
        continue
      }
      if method.annotations.direction != .hostToPlugin || method.annotations.group == "lifecycle" {
        note(inner.appending(place), "\(name) is nothing a plugin implements for the host; leave it out")
      } else if !method.annotations.onWire {
        note(inner.appending(place), "\(name) is answered by the host; leave it out")
      }
    }
    let set = Set(names)
    if object.has("methods") {
      for method in MethodTable.required where !set.contains(method.name) {
        note(inner, "lacks \(method.name), which every plugin must implement")
      }
    }
    return set
  }

  private static let typeMembers: Set<String> = [
    "type", "title", "description", "roles", "content", "formats", "features", "volumeNames", "volumeNamePatterns",
    "volumeLock",
    "shared",
    "selectExisting", "configSchema",
  ]

  mutating func storageType(_ value: JSON, _ path: JSONPath, parsesNames: Bool) -> StorageTypeManifest? {
    guard let object = object(value, path, known: Self.typeMembers) else { return nil }
    let type = text(object, "type", path, max: 64, pattern: Self.typePattern)
    let (content, defaultContent) = choices(object, "content", path, rule: .contentTypeName)
    let (formats, defaultFormats) = choices(object, "formats", path, rule: .volumeFormatName, single: true)
    let grammar = optionalText(object, "volumeNames", path, max: 32)
    if let grammar, !Self.grammars.contains(grammar) {
      note(path.appending("volumeNames"), "must be one of: \(Self.grammars.sorted().joined(separator: ", "))")
    } else if grammar == nil, !parsesNames {
      note(path.appending("volumeNames"), "is missing; name a grammar or implement parse_volname")
    }
    let patterns = volumeNamePatterns(object, path, formats: formats)
    let features: [String: [String: [String]]] = optional(object, "features", path, default: [:])
    for (feature, states) in features {
      for state in states.keys where !["base", "current", "snap"].contains(state) {
        note(
          path.appending("features").appending(feature).appending(state), "must be one of: base, current, snap")
      }
    }
    let schema = object["configSchema"] ?? ["type": "object", "properties": [:]]
    configSchema(schema, path.appending("configSchema"))
    guard let type, let defaultFormat = defaultFormats.first else { return nil }
    return StorageTypeManifest(
      type: type, title: optionalText(object, "title", path, max: 128) ?? type,
      description: optionalText(object, "description", path),
      roles: names(object, "roles", path, .roleName, required: false), content: content,
      defaultContent: defaultContent, formats: formats, defaultFormat: defaultFormat, features: features,
      volumeNames: grammar, volumeNamePatterns: patterns,
      volumeLock: optional(object, "volumeLock", path, default: .volume),
      isShared: optional(object, "shared", path, default: nil),
      selectsExisting: optional(object, "selectExisting", path, default: false), configSchema: schema)
  }

  /// `{"supported": […], "default": …}`: the default is one name or several and lies within the supported.
  private mutating func choices(
    _ object: JSONObject, _ key: String, _ path: JSONPath, rule: TextRule, single: Bool = false
  ) -> ([String], [String]) {
    let inner = path.appending(key)
    guard let value = object[key] else {
      note(inner, "is missing")
      return ([], [])
    }
    guard let members = self.object(value, inner, known: ["supported", "default"]) else { return ([], []) }
    let supported = names(members, "supported", inner, rule, required: true)
    let chosen: [String]
    if single {
      chosen = attempt({ () throws(JSONError) in try members.text("default", rule, at: inner) }).map { [$0] } ?? []
    } else {
      chosen = names(members, "default", inner, rule, required: true)
    }
    for name in chosen where !supported.contains(name) {
      note(inner.appending("default"), "\(ForeignText.quoted(name)) is not among the supported ones")
    }
    return (supported, chosen)
  }

  private mutating func configSchema(_ schema: JSON, _ path: JSONPath) {
    do throws(JSONSchemaError) {
      _ = try JSONSchema(schema)
    } catch {
      note(JSONPath(path.components + error.path.components), error.message)
    }
    if let type = schema["type"], type != "object" { note(path.appending("type"), "must be object") }
    let properties = schema["properties"]?.objectValue ?? [:]
    for member in properties {
      let inner = path.appending("properties").appending(member.key)
      for mark in ["x-fixed", "x-sensitive", "x-advanced"] {
        if let value = member.value[mark], value.boolValue == nil { note(inner.appending(mark), "must be a boolean") }
      }
      if member.value["x-sensitive"] == true, member.value["type"] != "string" {
        note(inner, "is sensitive and must be of type string")
      }
    }
    for name in schema["required"]?.arrayValue ?? [] {
      if let name = name.stringValue, !properties.has(name) {
        note(path.appending("required"), "names \(ForeignText.quoted(name)), which is no property")
      }
    }
  }
}
