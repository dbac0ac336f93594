// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// One compiled schema; sub-schemas are places in ``JSONSchema/nodes``.
struct SchemaNode: Sendable {
  /// Accepts nothing (the schema `false`).
  var refusesAll = false
  var types: Set<SchemaType>?
  var allowed: [JSON]?
  var constant: JSON?
  var properties: [String: Int] = [:]
  var required: [String] = []
  var additional: Int?
  var propertyCount: ClosedRange<Int>?
  var items: Int?
  var itemCount: ClosedRange<Int>?
  var hasUniqueItems = false
  var length: ClosedRange<Int>?
  var pattern: Pattern?
  var minimum: SchemaBound?
  var maximum: SchemaBound?
  var oneOf: [Int]?
  var anyOf: [Int]?
  var allOf: [Int] = []
  var not: Int?
  var reference: Int?
}

/// A value of `type`.
enum SchemaType: String, Sendable, Hashable, CaseIterable {
  case null, boolean, integer, number, string, array, object

  func accepts(_ value: JSON) -> Bool {
    switch (self, value) {
    case (.null, .null), (.boolean, .bool), (.integer, .int), (.number, .int), (.number, .double), (.string, .string),
      (.array, .array), (.object, .object):
      true
    default: false
    }
  }
}

/// A bound of a number.
struct SchemaBound: Sendable {
  var value: JSON
  var isExclusive: Bool

  /// Below, at or above the bound: -1, 0, 1. Integers compare exactly.
  func compare(_ number: JSON) -> Int? {
    if case .int(let left) = number, case .int(let right) = value { return left < right ? -1 : left == right ? 0 : 1 }
    guard let left = number.doubleValue, let right = value.doubleValue else { return nil }
    return left < right ? -1 : left == right ? 0 : 1
  }
}
