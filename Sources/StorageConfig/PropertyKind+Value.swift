// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

/// Why a value is refused: a clause that follows "the value of 'x' ". Never quotes the value.
struct ValueFault: Error {
  var reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}

extension PropertyKind {
  /// The typed value of a text from the configuration file. `nil` is a key without a value, which only a boolean has.
  func value(of text: String?) throws(ValueFault) -> JSON {
    guard let text else {
      guard self == .boolean else { throw ValueFault("is missing: only a switch may stand without one") }
      return .bool(true)
    }
    switch self {
    case .boolean:
      guard let value = PropertyValue.boolean(text) else { throw ValueFault("must be 0 or 1") }
      return .bool(value)
    case .integer(let minimum, let maximum):
      guard let value = PropertyValue.integer(text) else { throw ValueFault("must be a whole number") }
      try Self.check(value, minimum, maximum)
      return .int(value)
    case .number(let minimum, let maximum):
      guard let value = Self.number(text) else { throw ValueFault("must be a number") }
      try Self.check(value, minimum, maximum)
      return PropertyValue.integer(text).map(JSON.int) ?? .double(value)
    case .text(let minLength, let maxLength, let pattern):
      try Self.checkText(text, minLength, maxLength, pattern)
      return .string(text)
    case .array(let element, _, _, _): return .array([try element.value(of: text)])
    case .content: return .array(try Self.content(text))
    case .nodes: return .array(try Self.nodes(text))
    case .contentDirectories: return .object(try Self.contentDirectories(text))
    case .retention:
      return .string(try Self.rules { () throws(RulesError) in try Retention(parsing: text).description })
    case .bandwidth:
      _ = try BandwidthLimits(parsing: text)
      return .string(text)
    case .path:
      guard Self.isPath(text) else { throw ValueFault("must be an absolute path without '..', ';', '(' and ')'") }
      return .string(text)
    case .mountOptions:
      guard !text.isEmpty, !text.utf8.contains(where: isBlank) else { throw ValueFault("must not hold blanks") }
      return .string(text)
    case .mountPoint:
      if let value = PropertyValue.boolean(text) { return .string(value ? "yes" : "no") }
      guard Self.isPath(text) else { throw ValueFault("must be yes, no, or an absolute path") }
      return .string(text)
    case .server:
      guard Self.isServer(text) else { throw ValueFault("must be a host name or an IP address") }
      return .string(text)
    case .logicalVolumeName:
      guard StorageName.isLogicalVolumeName(text) else {
        throw ValueFault("must be letters, digits, '-', '_' and '.', with a letter or digit first and last")
      }
      return .string(text)
    case .storageID:
      try Self.rules { () throws(RulesError) in try StorageName.check(text) }
      return .string(text)
    }
  }

  /// The texts a JSON value is written as: one for each line. The value may be typed or a text.
  func texts(of json: JSON) throws(ValueFault) -> [String] {
    switch (self, json) {
    case (.array(let element, _, let maxCount, _), .array(let values)):
      guard values.count <= maxCount else { throw ValueFault("has more than \(maxCount) elements") }
      var result: [String] = []
      for value in values { result += try element.texts(of: value) }
      return result
    case (.content, .array(let values)), (.nodes, .array(let values)):
      var parts: [String] = []
      for value in values {
        guard let part = value.stringValue else { throw ValueFault("must be a list of texts") }
        parts.append(part)
      }
      return try normalized(parts.joined(separator: ","))
    case (.contentDirectories, .object(let members)):
      var parts: [String] = []
      for member in members.sorted {
        guard let path = member.value.stringValue else { throw ValueFault("must name a directory for each type") }
        parts.append("\(member.key)=\(path)")
      }
      return try normalized(parts.joined(separator: ","))
    case (.retention, .object(let members)), (.bandwidth, .object(let members)):
      var parts: [String] = []
      for member in members { parts.append("\(member.key)=\(try Self.scalar(member.value))") }
      return try normalized(parts.joined(separator: ","))
    default: return try normalized(try Self.scalar(json))
    }
  }

  /// The one spelling of a value: lists sorted, switches 0 or 1; everything else as given.
  private func normalized(_ text: String) throws(ValueFault) -> [String] {
    let value = try value(of: text)
    switch (self, value) {
    case (.boolean, .bool(let flag)): return [flag ? "1" : "0"]
    case (.content, .array(let parts)), (.nodes, .array(let parts)):
      guard !parts.isEmpty else { throw ValueFault("is an empty list") }
      return [parts.compactMap(\.stringValue).joined(separator: ",")]
    case (.contentDirectories, .object(let members)):
      guard !members.isEmpty else { throw ValueFault("is an empty list") }
      return [members.map { "\($0.key)=\($0.value.stringValue ?? "")" }.joined(separator: ",")]
    case (.retention, .string(let canonical)): return [canonical]
    default: return [text]
    }
  }

  private static func scalar(_ json: JSON) throws(ValueFault) -> String {
    switch json {
    case .bool(let value): return value ? "1" : "0"
    case .int(let value): return String(value)
    case .double(let value): return String(value)
    case .string(let value): return value
    case .array: throw ValueFault("must be a single value and no list")
    case .null, .object: throw ValueFault("must be a text, a number or a switch")
    }
  }
}

// MARK: - Syntax

extension PropertyKind {
  private static func rules<Value>(_ body: () throws(RulesError) -> Value) throws(ValueFault) -> Value {
    do throws(RulesError) {
      return try body()
    } catch {
      throw ValueFault("is wrong: \(error.description)")
    }
  }

  private static func check<Value: Comparable>(
    _ value: Value, _ minimum: Value?, _ maximum: Value?
  ) throws(ValueFault) {
    if let minimum, value < minimum { throw ValueFault("must be at least \(minimum)") }
    if let maximum, value > maximum { throw ValueFault("must be at most \(maximum)") }
  }

  private static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text), value.isFinite
    else { return nil }
    return value
  }

  private static func checkText(
    _ text: String, _ minLength: Int, _ maxLength: Int, _ pattern: Pattern?
  ) throws(ValueFault) {
    let length = text.unicodeScalars.count
    guard length >= minLength else { throw ValueFault("must have at least \(minLength) characters") }
    guard length <= maxLength else { throw ValueFault("must have at most \(maxLength) characters") }
    guard let pattern, !pattern.matches(text) else { return }
    throw ValueFault("must match \(pattern.source)")
  }

  private static func content(_ text: String) throws(ValueFault) -> [JSON] {
    try rules { () throws(RulesError) in try ContentType.parseList(text) }.sorted().map { .string($0.rawValue) }
  }

  private static func nodes(_ text: String) throws(ValueFault) -> [JSON] {
    let names = Set(ListText.split(text))
    for name in names where !isNodeName(name) {
      throw ValueFault("holds \(quoted(name)), which is no node name (letters, digits and inner '-')")
    }
    return names.sorted().map { .string($0) }
  }

  private static func contentDirectories(_ text: String) throws(ValueFault) -> JSONObject {
    var result: [String: String] = [:]
    for part in ListText.split(text) {
      guard let equals = part.utf8.firstIndex(of: UInt8(ascii: "=")) else {
        throw ValueFault("holds \(quoted(part)), which is not of the form type=directory")
      }
      let type = String(part[..<equals])
      let path = String(part[part.utf8.index(after: equals)...])
      guard let content = ContentType(rawValue: type), content != .none else {
        throw ValueFault("holds the unknown content type \(quoted(type))")
      }
      let steps = path.utf8.split(separator: UInt8(ascii: "/"))
      guard !steps.isEmpty, path.utf8.count < 1023,
        steps.allSatisfy({ $0.count < 255 && !$0.elementsEqual("..".utf8) && !$0.elementsEqual(".".utf8) }),
        !steps.contains(where: { hasDoubleDot($0) })
      else { throw ValueFault("holds \(quoted(path)), which is no relative directory without '..'") }
      guard result.updateValue(path, forKey: type) == nil else {
        throw ValueFault("names the content type \(quoted(type)) twice")
      }
    }
    return JSONObject(lastWins: result.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) })
  }

  /// Proxmox VE refuses two dots in a row anywhere, not only as a step of their own.
  private static func hasDoubleDot(_ step: Substring.UTF8View) -> Bool {
    zip(step, step.dropFirst()).contains { $0 == UInt8(ascii: ".") && $1 == UInt8(ascii: ".") }
  }

  private static func isPath(_ text: String) -> Bool {
    guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= 4095,
      !text.utf8.contains(where: { ";()".utf8.contains($0) || $0 < 0x20 })
    else { return false }
    return !text.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
  }

  private static func isNodeName(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
      return false
    }
    return bytes.count <= 63 && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isServer(_ text: String) -> Bool {
    guard text.utf8.count <= 253, !text.isEmpty else { return false }
    if text.utf8.contains(UInt8(ascii: ":")) { return IPv6Text.isValid(text) }
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.allSatisfy { isNodeName(String(Substring($0))) }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
