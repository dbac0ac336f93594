// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259), as read from or written to the wire.
///
/// Integers and reals are kept apart: `1` reads as ``int(_:)`` and is exact over the whole signed 64-bit range, `1.0`
/// and `1e3` read as ``double(_:)`` and never pass for an integer.
///
/// The literal `nil` is `null`. Mind it where an optional is meant: in a function that returns `JSON?`,
/// `found ? value : nil` gives `null`, `guard found else { return nil }` gives no value.
public enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// What sort of value this is, for messages such as "must be an integer, is a string".
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case null
    case bool = "a boolean"
    case int = "an integer"
    case double = "a real number"
    case string = "a string"
    case array = "an array"
    case object = "an object"
  }

  /// The sort of this value.
  public var kind: Kind {
    switch self {
    case .null: .null
    case .bool: .bool
    case .int: .int
    case .double: .double
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }
}

// MARK: - Looking inside

extension JSON {
  /// Whether this is `null`.
  public var isNull: Bool { if case .null = self { true } else { false } }

  /// The boolean, or nil when this is something else.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The integer, or nil when this is something else (a real such as `1.0` included).
  public var intValue: Int64? { if case .int(let value) = self { value } else { nil } }

  /// The number as a double, integers converted; nil when this is no number.
  public var doubleValue: Double? {
    switch self {
    case .double(let value): value
    case .int(let value): Double(value)
    default: nil
    }
  }

  /// The string, or nil when this is something else.
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

  /// The elements, or nil when this is no array.
  public var arrayValue: [JSON]? { if case .array(let value) = self { value } else { nil } }

  /// The members, or nil when this is no object.
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// The member of that name; nil when there is none or when this is no object.
  public subscript(key: String) -> JSON? { if case .object(let members) = self { members[key] } else { nil } }

  /// The element at that place; nil when there is none or when this is no array.
  public subscript(index: Int) -> JSON? {
    if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
  }

  /// The value a JSON Pointer (RFC 6901) leads to; nil when it leads nowhere.
  public subscript(pointer path: JSONPath) -> JSON? {
    var value = self
    for component in path.components {
      switch value {
      case .object(let members):
        guard let next = members[component] else { return nil }
        value = next
      case .array(let elements):
        guard let index = Int(component), elements.indices.contains(index) else { return nil }
        value = elements[index]
      default: return nil
      }
    }
    return value
  }
}

// MARK: - Literals

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object; a name given twice keeps its last value.
  public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(lastWins: elements)) }
}
