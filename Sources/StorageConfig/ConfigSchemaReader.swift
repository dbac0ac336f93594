// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Reads a plugin's configuration schema into rules.
///
/// Understood: at the top `type: object`, `properties`, `required`, and annotations; per property `type` (string,
/// integer, number, boolean, array), `enum`, `const`, `minimum`, `maximum`, `minLength`, `maxLength`, `pattern`,
/// `items`, `minItems`, `maxItems`, `uniqueItems`, `default`, `format`, `title`, `description`, and the markers `x-fixed`,
/// `x-sensitive`, `x-advanced`. Other keywords that would restrict a value are refused: a rule that is silently not
/// applied is worse than none. Annotations and other `x-` members are ignored.
enum ConfigSchemaReader {
  static func rules(_ schema: JSON, type: String) throws(ConfigError) -> [String: PropertyRule] {
    guard case .object(let top) = schema else { throw invalid(type, "", "must be an object") }
    if let kind = top["type"], kind != "object" { throw invalid(type, "/type", "must be \"object\"") }
    try refuse(
      top, except: ["type", "properties", "required", "additionalProperties", "$schema", "$id", "$comment"], type, "")
    var required: Set<String> = []
    if let list = top["required"] {
      guard case .array(let names) = list else { throw invalid(type, "/required", "must be an array of names") }
      for name in names {
        guard let name = name.stringValue else { throw invalid(type, "/required", "must be an array of names") }
        required.insert(name)
      }
    }
    guard case .object(let properties) = top["properties"] ?? .object([:]) else {
      throw invalid(type, "/properties", "must be an object")
    }
    var rules: [String: PropertyRule] = [:]
    for member in properties {
      rules[member.key] = try rule(member.key, member.value, type, isRequired: required.remove(member.key) != nil)
    }
    if let missing = required.sorted().first {
      throw invalid(type, "/required", "names \(quoted(missing)), which is no property")
    }
    return rules
  }

  private static func rule(
    _ name: String, _ schema: JSON, _ type: String, isRequired: Bool
  ) throws(ConfigError) -> PropertyRule {
    let place = "/properties/\(name)"
    guard isName(name) else { throw invalid(type, place, "is no property name (letters, digits, '-', '_')") }
    guard !CommonOptions.reserved.contains(name) else {
      throw invalid(type, place, "is a name the host keeps for itself")
    }
    guard case .object(let members) = schema else { throw invalid(type, place, "must be an object") }
    let kind = try kind(members, type, place)
    var rule = PropertyRule(name, kind, isRequired: isRequired)
    rule.isFixed = try flag(members, "x-fixed", type, place)
    rule.isSensitive = try flag(members, "x-sensitive", type, place)
    rule.isAdvanced = try flag(members, "x-advanced", type, place)
    rule.description = members["description"]?.stringValue ?? members["title"]?.stringValue ?? ""
    if let allowed = members["enum"] {
      guard case .array(let values) = allowed, !values.isEmpty else {
        throw invalid(type, place, "has an enum that is no array of values")
      }
      rule.allowed = values
    } else if let only = members["const"] {
      rule.allowed = [only]
    }
    if let value = members["default"] {
      do throws(ValueFault) {
        rule.defaultValue = try rule.typed(value)
      } catch {
        throw invalid(type, "\(place)/default", error.reason)
      }
    }
    if rule.isSensitive {
      guard case .text = kind else { throw invalid(type, place, "is sensitive and must be of type string") }
      guard rule.defaultValue == nil else { throw invalid(type, place, "is sensitive and cannot have a default") }
    }
    return rule
  }

  private static func kind(_ members: JSONObject, _ type: String, _ place: String) throws(ConfigError) -> PropertyKind {
    let common: Set<String> = [
      "type", "enum", "const", "default", "format", "title", "description", "examples", "deprecated", "readOnly",
      "writeOnly", "$comment",
    ]
    switch members["type"]?.stringValue {
    case "boolean":
      try refuse(members, except: common, type, place)
      return .boolean
    case "integer":
      try refuse(members, except: common.union(["minimum", "maximum"]), type, place)
      return .integer(
        minimum: try integer(members, "minimum", type, place), maximum: try integer(members, "maximum", type, place))
    case "number":
      try refuse(members, except: common.union(["minimum", "maximum"]), type, place)
      return .number(
        minimum: try number(members, "minimum", type, place), maximum: try number(members, "maximum", type, place))
    case "string":
      try refuse(members, except: common.union(["minLength", "maxLength", "pattern"]), type, place)
      if let known = formats[members["format"]?.stringValue ?? ""] { return known }
      var pattern: Pattern?
      if let source = members["pattern"] {
        guard let source = source.stringValue else { throw invalid(type, "\(place)/pattern", "must be a text") }
        do throws(PatternError) {
          pattern = try Pattern(source)
        } catch {
          throw invalid(type, "\(place)/pattern", "cannot be used: \(error)")
        }
      }
      return .text(
        minLength: Int(clamping: try integer(members, "minLength", type, place) ?? 1),
        maxLength: Int(clamping: try integer(members, "maxLength", type, place) ?? 4096), pattern: pattern)
    case "array":
      try refuse(members, except: common.union(["items", "maxItems", "uniqueItems", "minItems"]), type, place)
      guard case .object(let items)? = members["items"] else { throw invalid(type, place, "has no items") }
      let element = try kind(items, type, "\(place)/items")
      if case .array = element { throw invalid(type, "\(place)/items", "cannot be arrays themselves") }
      return .array(
        of: element, minCount: Int(clamping: try integer(members, "minItems", type, place) ?? 0),
        maxCount: Int(clamping: try integer(members, "maxItems", type, place) ?? 256),
        isUnique: try flag(members, "uniqueItems", type, place))
    default: throw invalid(type, "\(place)/type", "must be string, integer, number, boolean or array")
    }
  }

  /// Formats with a syntax of their own; others are annotations.
  private static let formats: [String: PropertyKind] = [
    "path": .path, "absolute-path": .path, "pve-storage-path": .path, "pve-storage-server": .server,
    "hostname": .server,
    "pve-storage-options": .mountOptions, "pve-storage-vgname": .logicalVolumeName, "pve-storage-id": .storageID,
    "pve-node-list": .nodes,
  ]

  private static func flag(
    _ members: JSONObject, _ name: String, _ type: String, _ place: String
  ) throws(ConfigError) -> Bool {
    guard let value = members[name] else { return false }
    guard case .bool(let flag) = value else { throw invalid(type, "\(place)/\(name)", "must be true or false") }
    return flag
  }

  private static func integer(
    _ members: JSONObject, _ name: String, _ type: String, _ place: String
  ) throws(ConfigError) -> Int64? {
    guard let value = members[name] else { return nil }
    guard case .int(let number) = value else { throw invalid(type, "\(place)/\(name)", "must be an integer") }
    return number
  }

  private static func number(
    _ members: JSONObject, _ name: String, _ type: String, _ place: String
  ) throws(ConfigError) -> Double? {
    guard let value = members[name] else { return nil }
    guard let number = value.doubleValue else { throw invalid(type, "\(place)/\(name)", "must be a number") }
    return number
  }

  private static func refuse(
    _ members: JSONObject, except known: Set<String>, _ type: String, _ place: String
  ) throws(ConfigError) {
    let annotations: Set<String> = ["title", "description", "examples", "deprecated"]
    for member in members
    where !known.contains(member.key) && !annotations.contains(member.key) && !member.key.hasPrefix("x-") {
      throw invalid(type, "\(place)/\(member.key)", "is a keyword that configuration schemas cannot use")
    }
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20) else {
      return false
    }
    return name.utf8.count <= 128
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (0x30...0x39).contains(byte)
          || "-_".utf8.contains(byte)
      }
  }

  private static func invalid(_ type: String, _ place: String, _ reason: String) -> ConfigError {
    ConfigError(
      .invalidSchema,
      "the configuration schema of type \(quoted(type)) cannot be used: \(place.isEmpty ? "it" : place) \(reason)")
  }
}
