// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Integers of every width that fits JSON's exact range, with the range checked.
extension FixedWidthInteger {
  fileprivate init(integer json: JSON, path: JSONPath) throws(JSONError) {
    guard case .int(let value) = json else { throw .mismatch("an integer", found: json, at: path) }
    guard let exact = Self(exactly: value) else {
      throw .invalid("must be an integer between \(Self.min) and \(Self.max)", at: path)
    }
    self = exact
  }
}

extension Int: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { try self.init(integer: json, path: path) }
  public func json() -> JSON { .int(Int64(self)) }
}

extension Int64: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { try self.init(integer: json, path: path) }
  public func json() -> JSON { .int(self) }
}

extension Int32: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { try self.init(integer: json, path: path) }
  public func json() -> JSON { .int(Int64(self)) }
}

extension UInt32: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { try self.init(integer: json, path: path) }
  public func json() -> JSON { .int(Int64(self)) }
}

extension UInt16: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { try self.init(integer: json, path: path) }
  public func json() -> JSON { .int(Int64(self)) }
}

extension UInt8: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { try self.init(integer: json, path: path) }
  public func json() -> JSON { .int(Int64(self)) }
}
