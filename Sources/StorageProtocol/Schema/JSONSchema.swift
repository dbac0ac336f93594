// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A JSON Schema (2020-12) of the subset that configuration schemas use, compiled once, checked often.
///
/// Understood: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `minProperties`,
/// `maxProperties`, `items`, `minItems`, `maxItems`, `uniqueItems`, `minLength`, `maxLength`, `pattern`, `minimum`,
/// `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, `oneOf`, `anyOf`, `allOf`, `not`, local `$ref`, and booleans as
/// schemas. Annotations and `x-` members are ignored. Any other keyword is refused: a rule that is silently not
/// applied is worse than none. One difference from the standard: `1.0` is no integer and does not equal `1`, as
/// everywhere in this protocol.
public struct JSONSchema: Sendable, Hashable {
  /// The schema as it was given.
  public let source: JSON
  let nodes: [SchemaNode]

  /// - Throws: what the schema has that is wrong or not in the subset, and where.
  public init(_ source: JSON) throws(JSONSchemaError) {
    var compiler = SchemaCompiler(source)
    try compiler.compile()
    self.source = source
    self.nodes = compiler.nodes
  }

  /// Whether the value fits.
  public func accepts(_ value: JSON) -> Bool { violations(of: value, limit: 1).isEmpty }

  /// Everything about the value that does not fit, up to `limit`.
  ///
  /// Messages do not quote the value: it may hold secrets.
  public func violations(of value: JSON, limit: Int = 32) -> [Violation] {
    var checker = SchemaChecker(nodes: nodes, limit: limit)
    checker.check(value, against: 0, at: .root)
    return checker.violations
  }

  /// One thing about a value that does not fit.
  public struct Violation: Sendable, Hashable, CustomStringConvertible {
    /// Where in the value.
    public var path: JSONPath
    /// The keyword that refuses it.
    public var keyword: String
    /// What would fit.
    public var message: String

    public var description: String { path.pointer.isEmpty ? message : "\(path.pointer): \(message)" }
  }

  public static func == (left: JSONSchema, right: JSONSchema) -> Bool { left.source == right.source }

  public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}

/// What is wrong with a schema, and where in it.
public struct JSONSchemaError: Error, Sendable, Hashable, CustomStringConvertible {
  public var path: JSONPath
  public var message: String

  public var description: String { path.pointer.isEmpty ? message : "\(path.pointer): \(message)" }
}
