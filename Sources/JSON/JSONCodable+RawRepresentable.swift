// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Enums and open codes over strings and integers: `enum Outcome: String, JSONDecodable, JSONEncodable {}` is enough.
extension JSONDecodable where Self: RawRepresentable, RawValue: JSONDecodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    guard let value = Self(rawValue: try RawValue(json: json, path: path)) else {
      throw .invalid("is none of the known values", at: path)
    }
    self = value
  }
}

extension JSONDecodable where Self: RawRepresentable & CaseIterable, RawValue: JSONDecodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    guard let value = Self(rawValue: try RawValue(json: json, path: path)) else {
      let known = Self.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")
      throw .invalid("must be one of: \(known)", at: path)
    }
    self = value
  }
}

extension JSONEncodable where Self: RawRepresentable, RawValue: JSONEncodable {
  public func json() -> JSON { rawValue.json() }
}
