// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension JSON: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) { self = json }
  public func json() -> JSON { self }
}

extension JSONObject: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) { self = try json.object(at: path) }
  public func json() -> JSON { .object(self) }
}

extension Bool: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    guard case .bool(let value) = json else { throw .mismatch("a boolean", found: json, at: path) }
    self = value
  }
  public func json() -> JSON { .bool(self) }
}

extension String: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    guard case .string(let value) = json else { throw .mismatch("a string", found: json, at: path) }
    self = value
  }
  public func json() -> JSON { .string(self) }
}

extension Double: JSONDecodable, JSONEncodable {
  /// Reads a real or an integer.
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    guard let value = json.doubleValue else { throw .mismatch("a number", found: json, at: path) }
    self = value
  }
  public func json() -> JSON { .double(self) }
}

extension Array: JSONDecodable where Element: JSONDecodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let values = try json.array(at: path)
    self.init()
    reserveCapacity(values.count)
    for (place, value) in values.enumerated() { append(try Element(json: value, path: path.appending(place))) }
  }
}

extension Array: JSONEncodable where Element: JSONEncodable {
  public func json() -> JSON { .array(map { $0.json() }) }
}

extension Dictionary: JSONDecodable where Key == String, Value: JSONDecodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    self.init(minimumCapacity: members.count)
    for member in members { self[member.key] = try Value(json: member.value, path: path.appending(member.key)) }
  }
}

extension Dictionary: JSONEncodable where Key == String, Value: JSONEncodable {
  /// An object with its names in order, so that the same dictionary gives the same text in every process.
  public func json() -> JSON {
    .object(JSONObject(lastWins: sorted { $0.key < $1.key }.map { ($0.key, $0.value.json()) }))
  }
}

extension Optional: JSONDecodable where Wrapped: JSONDecodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    self = json.isNull ? nil : try Wrapped(json: json, path: path)
  }
}

extension Optional: JSONEncodable where Wrapped: JSONEncodable {
  public func json() -> JSON { self?.json() ?? .null }
}
