// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Can be read from a JSON value.
public protocol JSONDecodable {
  /// Reads the value; `path` says where it stands, for errors.
  init(json: JSON, path: JSONPath) throws(JSONError)
}

/// Can be written as a JSON value.
public protocol JSONEncodable {
  func json() -> JSON
}

/// Both.
public typealias JSONCodable = JSONDecodable & JSONEncodable

extension JSONDecodable {
  /// Reads a value that is a document by itself.
  public init(json: JSON) throws(JSONError) { try self.init(json: json, path: .root) }
}

extension JSON {
  /// Reads this value as the type: `try json.decode(as: Manifest.self)`.
  public func decode<T: JSONDecodable>(
    as type: T.Type = T.self, at path: JSONPath = .root
  ) throws(JSONError) -> T {
    try T(json: self, path: path)
  }

  /// The members, or an error that says an object is needed here.
  public func object(at path: JSONPath = .root) throws(JSONError) -> JSONObject {
    guard case .object(let members) = self else { throw .mismatch("an object", found: self, at: path) }
    return members
  }

  /// The elements, or an error that says an array is needed here.
  public func array(at path: JSONPath = .root) throws(JSONError) -> [JSON] {
    guard case .array(let elements) = self else { throw .mismatch("an array", found: self, at: path) }
    return elements
  }
}
