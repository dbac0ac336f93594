// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Reading members with the metamodel's limits; for the generated types.
extension JSONObject {
  private func member(_ key: String, at path: JSONPath) throws(JSONError) -> JSON {
    guard let value = self[key] else { throw JSONError(.missing, at: path.appending(key), "is missing") }
    return value
  }

  private func present(_ key: String) -> JSON? {
    guard let value = self[key], !value.isNull else { return nil }
    return value
  }

  // MARK: Texts

  static func text(
    _ value: JSON, _ rule: TextRule, at path: @autoclosure () -> JSONPath
  ) throws(JSONError) -> String {
    guard case .string(let text) = value else { throw .mismatch("a string", found: value, at: path()) }
    if let fault = rule.fault(in: text) { throw .invalid(fault, at: path()) }
    return text
  }

  func text(_ key: String, _ rule: TextRule, at path: JSONPath) throws(JSONError) -> String {
    try Self.text(try member(key, at: path), rule, at: path.appending(key))
  }

  func optionalText(_ key: String, _ rule: TextRule, at path: JSONPath) throws(JSONError) -> String? {
    guard let value = present(key) else { return nil }
    return try Self.text(value, rule, at: path.appending(key))
  }

  /// A member that must be there and may be null.
  func nullableText(_ key: String, _ rule: TextRule, at path: JSONPath) throws(JSONError) -> String? {
    let value = try member(key, at: path)
    return value.isNull ? nil : try Self.text(value, rule, at: path.appending(key))
  }

  func texts(_ key: String, _ rule: TextRule, upTo limit: Int, at path: JSONPath) throws(JSONError) -> [String] {
    try Self.texts(try member(key, at: path), rule, upTo: limit, at: path.appending(key))
  }

  func optionalTexts(
    _ key: String, _ rule: TextRule, upTo limit: Int, at path: JSONPath
  ) throws(JSONError) -> [String]? {
    guard let value = present(key) else { return nil }
    return try Self.texts(value, rule, upTo: limit, at: path.appending(key))
  }

  private static func texts(
    _ value: JSON, _ rule: TextRule, upTo limit: Int, at path: JSONPath
  ) throws(JSONError) -> [String] {
    var result: [String] = []
    for (place, element) in try elements(of: value, upTo: limit, at: path).enumerated() {
      result.append(try text(element, rule, at: path.appending(place)))
    }
    return result
  }

  func textMap(_ key: String, _ rule: TextRule, at path: JSONPath) throws(JSONError) -> [String: String] {
    let inner = path.appending(key)
    var result: [String: String] = [:]
    for item in try member(key, at: path).object(at: inner) {
      result[item.key] = try Self.text(item.value, rule, at: inner.appending(item.key))
    }
    return result
  }

  func optionalTextMap(_ key: String, _ rule: TextRule, at path: JSONPath) throws(JSONError) -> [String: String]? {
    try present(key) == nil ? nil : textMap(key, rule, at: path)
  }

  // MARK: Integers

  static func integer<Number: FixedWidthInteger>(
    _ value: JSON, _ range: ClosedRange<Int64>, at path: @autoclosure () -> JSONPath
  ) throws(JSONError) -> Number {
    guard case .int(let number) = value else { throw .mismatch("an integer", found: value, at: path()) }
    guard range.contains(number) else {
      throw .invalid("must be between \(range.lowerBound) and \(range.upperBound), is \(number)", at: path())
    }
    return Number(number)
  }

  func integer<Number: FixedWidthInteger>(
    _ key: String, _ range: ClosedRange<Int64>, at path: JSONPath
  ) throws(JSONError) -> Number {
    try Self.integer(try member(key, at: path), range, at: path.appending(key))
  }

  func optionalInteger<Number: FixedWidthInteger>(
    _ key: String, _ range: ClosedRange<Int64>, at path: JSONPath
  ) throws(JSONError) -> Number? {
    guard let value = present(key) else { return nil }
    return try Self.integer(value, range, at: path.appending(key)) as Number
  }

  func integerMap<Number: FixedWidthInteger>(
    _ key: String, _ range: ClosedRange<Int64>, at path: JSONPath
  ) throws(JSONError) -> [String: Number] {
    let inner = path.appending(key)
    var result: [String: Number] = [:]
    for item in try member(key, at: path).object(at: inner) {
      result[item.key] = try Self.integer(item.value, range, at: inner.appending(item.key)) as Number
    }
    return result
  }

  func optionalIntegerMap<Number: FixedWidthInteger>(
    _ key: String, _ range: ClosedRange<Int64>, at path: JSONPath
  ) throws(JSONError) -> [String: Number]? {
    try present(key) == nil ? nil : integerMap(key, range, at: path)
  }

  // MARK: Lists

  private static func elements(of value: JSON, upTo limit: Int, at path: JSONPath) throws(JSONError) -> [JSON] {
    let elements = try value.array(at: path)
    guard elements.count <= limit else {
      throw .invalid("must hold at most \(limit) elements, holds \(elements.count)", at: path)
    }
    return elements
  }

  func list<Element: JSONDecodable>(
    _ key: String, upTo limit: Int, at path: JSONPath
  ) throws(JSONError) -> [Element] {
    let inner = path.appending(key)
    let elements = try Self.elements(of: try member(key, at: path), upTo: limit, at: inner)
    var result: [Element] = []
    result.reserveCapacity(elements.count)
    for (place, element) in elements.enumerated() {
      result.append(try Element(json: element, path: inner.appending(place)))
    }
    return result
  }

  func optionalList<Element: JSONDecodable>(
    _ key: String, upTo limit: Int, at path: JSONPath
  ) throws(JSONError) -> [Element]? {
    try present(key) == nil ? nil : list(key, upTo: limit, at: path)
  }
}
