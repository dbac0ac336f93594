// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import Testing

/// Vectors in the layout of the JSON Schema test suite: groups of a schema with values that fit or do not.
@Suite struct JSONSchemaTests {
  struct Vector: Sendable, CustomTestStringConvertible {
    let name: String
    let schema: JSON
    let tests: [JSON]
    var testDescription: String { name }
  }

  static let vectors: [Vector] = {
    guard let groups = try? Tree.vectors("json-schema") else { fatalError("no vectors") }
    return groups.map {
      Vector(
        name: $0["description"]?.stringValue ?? "?", schema: $0["schema"] ?? .null, tests: $0["tests"]?.arrayValue ?? []
      )
    }
  }()

  @Test(arguments: vectors) func judges(_ vector: Vector) throws {
    let schema = try JSONSchema(vector.schema)
    #expect(!vector.tests.isEmpty)
    for test in vector.tests {
      let value = try test.member("data")
      let violations = schema.violations(of: value)
      #expect(
        violations.isEmpty == (test["valid"] == true), "\(test["description"]?.stringValue ?? "?"): \(violations)")
      if let pointer = test["pointer"]?.stringValue { #expect(violations.first?.path.pointer == pointer) }
    }
  }

  @Test(arguments: [
    #"{"type": "text"}"#, #"{"patternProperties": {}}"#, #"{"$ref": "other.json"}"#, ##"{"$ref": "#/$defs/none"}"##,
    #"{"pattern": "(?=x)"}"#, #"{"minLength": -1}"#, #"{"minLength": 3, "maxLength": 2}"#, #"{"enum": []}"#,
    #"{"oneOf": {}}"#, #"{"properties": {"a": 7}}"#, "7", #"{"required": "a"}"#, #"{"minimum": "1"}"#,
  ])
  func refusesSchemasItCannotApply(_ text: String) throws {
    let json = try JSON.parse(text)
    #expect(throws: JSONSchemaError.self) { try JSONSchema(json) }
  }

  @Test(.timeLimit(.minutes(1))) func schemasThatLeadInCirclesEnd() throws {
    let circle = try JSONSchema(["anyOf": [["$ref": "#"], ["$ref": "#"], ["$ref": "#"]]])
    #expect(!circle.accepts(1))
    let tree = try JSONSchema(["items": ["$ref": "#"], "oneOf": [["type": "array"], ["type": "integer"]]])
    #expect(tree.accepts([1, [2, [3]]]))
    #expect(!tree.accepts([1, ["x"]]))
  }

  @Test func messagesDoNotQuoteTheValue() throws {
    let schema = try JSONSchema(["type": "object", "properties": ["password": ["type": "string", "maxLength": 3]]])
    let violation = try #require(schema.violations(of: ["password": "hunter2"]).first)
    #expect(!violation.description.contains("hunter2"))
    #expect(violation.description == "/password: must have at most 3 characters")
  }
}
