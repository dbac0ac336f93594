// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Turns a schema document into nodes; `$ref` targets are compiled when they are first met.
struct SchemaCompiler {
  private let document: JSON
  private(set) var nodes: [SchemaNode] = []
  private var places: [JSONPath: Int] = [:]
  private var pending: [(JSONPath, Int)] = []

  /// Sub-schemas a document may have.
  static let maxNodes = 4096
  private static let annotations: Set<String> = [
    "title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly", "$schema", "$id",
    "$comment", "$defs", "definitions", "$anchor",
  ]

  init(_ document: JSON) { self.document = document }

  mutating func compile() throws(JSONSchemaError) {
    _ = try place(of: .root)
    while let (path, index) = pending.popLast() {
      guard let schema = document[pointer: path] else { throw JSONSchemaError(path: path, message: "is not there") }
      nodes[index] = try node(schema, path)
    }
  }

  private mutating func place(of path: JSONPath) throws(JSONSchemaError) -> Int {
    if let known = places[path] { return known }
    guard nodes.count < Self.maxNodes else { throw JSONSchemaError(path: path, message: "is one schema too many") }
    nodes.append(SchemaNode())
    places[path] = nodes.count - 1
    pending.append((path, nodes.count - 1))
    return nodes.count - 1
  }

  private mutating func places(
    of value: JSON, _ path: JSONPath
  ) throws(JSONSchemaError) -> [Int] {
    guard case .array(let schemas) = value, !schemas.isEmpty else {
      throw JSONSchemaError(path: path, message: "must be an array of schemas")
    }
    var result: [Int] = []
    for place in schemas.indices { result.append(try self.place(of: path.appending(place))) }
    return result
  }

  private mutating func node(_ schema: JSON, _ path: JSONPath) throws(JSONSchemaError) -> SchemaNode {
    var node = SchemaNode()
    if case .bool(let accepts) = schema {
      node.refusesAll = !accepts
      return node
    }
    guard case .object(let members) = schema else {
      throw JSONSchemaError(path: path, message: "must be an object or a boolean")
    }
    for member in members where !Self.annotations.contains(member.key) && !member.key.hasPrefix("x-") {
      try keyword(member.key, member.value, path.appending(member.key), &node)
    }
    return node
  }

  private mutating func keyword(
    _ key: String, _ value: JSON, _ path: JSONPath, _ node: inout SchemaNode
  ) throws(JSONSchemaError) {
    func wrong(_ message: String) -> JSONSchemaError { JSONSchemaError(path: path, message: message) }
    switch key {
    case "type": node.types = try types(value, path)
    case "enum":
      guard case .array(let values) = value, !values.isEmpty else { throw wrong("must be an array of values") }
      node.allowed = values
    case "const": node.constant = value
    case "properties":
      guard case .object(let properties) = value else { throw wrong("must be an object of schemas") }
      for member in properties { node.properties[member.key] = try place(of: path.appending(member.key)) }
    case "required":
      guard case .array(let names) = value else { throw wrong("must be an array of names") }
      for name in names {
        guard let name = name.stringValue else { throw wrong("must be an array of names") }
        node.required.append(name)
      }
    case "additionalProperties": node.additional = try place(of: path)
    case "items": node.items = try place(of: path)
    case "not": node.not = try place(of: path)
    case "oneOf": node.oneOf = try places(of: value, path)
    case "anyOf": node.anyOf = try places(of: value, path)
    case "allOf": node.allOf = try places(of: value, path)
    case "uniqueItems":
      guard let unique = value.boolValue else { throw wrong("must be a boolean") }
      node.hasUniqueItems = unique
    case "minLength", "maxLength": node.length = try bound(key, value, path, node.length)
    case "minItems", "maxItems": node.itemCount = try bound(key, value, path, node.itemCount)
    case "minProperties", "maxProperties": node.propertyCount = try bound(key, value, path, node.propertyCount)
    case "minimum", "exclusiveMinimum":
      node.minimum = SchemaBound(value: try number(value, path), isExclusive: key != "minimum")
    case "maximum", "exclusiveMaximum":
      node.maximum = SchemaBound(value: try number(value, path), isExclusive: key != "maximum")
    case "pattern":
      guard let text = value.stringValue else { throw wrong("must be a string") }
      do throws(PatternError) { node.pattern = try Pattern(text) } catch { throw wrong("\(error)") }
    case "$ref": node.reference = try place(of: try target(value, path))
    default: throw wrong("is a keyword this host does not apply; schemas may not use it")
    }
  }

  private func types(_ value: JSON, _ path: JSONPath) throws(JSONSchemaError) -> Set<SchemaType> {
    let names = value.arrayValue ?? [value]
    var result: Set<SchemaType> = []
    for name in names {
      guard let type = name.stringValue.flatMap(SchemaType.init(rawValue:)) else {
        let known = SchemaType.allCases.map(\.rawValue).joined(separator: ", ")
        throw JSONSchemaError(path: path, message: "must be one of: \(known)")
      }
      result.insert(type)
    }
    return result
  }

  private func number(_ value: JSON, _ path: JSONPath) throws(JSONSchemaError) -> JSON {
    guard value.doubleValue != nil else { throw JSONSchemaError(path: path, message: "must be a number") }
    return value
  }

  /// Combines a `min…` or `max…` keyword with the range known so far.
  private func bound(
    _ key: String, _ value: JSON, _ path: JSONPath, _ known: ClosedRange<Int>?
  ) throws(JSONSchemaError) -> ClosedRange<Int> {
    guard let number = value.intValue.flatMap({ Int(exactly: $0) }), number >= 0 else {
      throw JSONSchemaError(path: path, message: "must be an integer of 0 or more")
    }
    let low = key.hasPrefix("min") ? number : known?.lowerBound ?? 0
    let high = key.hasPrefix("max") ? number : known?.upperBound ?? Int.max
    guard low <= high else { throw JSONSchemaError(path: path, message: "lets nothing through") }
    return low...high
  }

  private func target(_ value: JSON, _ path: JSONPath) throws(JSONSchemaError) -> JSONPath {
    guard let text = value.stringValue, text.hasPrefix("#"), let target = JSONPath(pointer: String(text.dropFirst()))
    else { throw JSONSchemaError(path: path, message: "must be a local reference such as #/$defs/name") }
    guard document[pointer: target] != nil else {
      throw JSONSchemaError(path: path, message: "refers to something that is not there")
    }
    return target
  }
}
