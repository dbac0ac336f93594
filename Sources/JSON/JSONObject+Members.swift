// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Reading and writing members by type.
extension JSONObject {
  /// The member, which must be there.
  public func required<T: JSONDecodable>(
    _ key: String, at path: JSONPath = .root, as type: T.Type = T.self
  ) throws(JSONError) -> T {
    guard let value = self[key] else {
      throw JSONError(.missing, at: path.appending(key), "is missing")
    }
    return try T(json: value, path: path.appending(key))
  }

  /// The member, or nil when it is absent or `null`.
  public func optional<T: JSONDecodable>(
    _ key: String, at path: JSONPath = .root, as type: T.Type = T.self
  ) throws(JSONError) -> T? {
    guard let value = self[key], !value.isNull else { return nil }
    return try T(json: value, path: path.appending(key))
  }

  /// The member, or the default when it is absent or `null`.
  public func optional<T: JSONDecodable>(
    _ key: String, at path: JSONPath = .root, default fallback: @autoclosure () -> T
  ) throws(JSONError) -> T {
    try optional(key, at: path) ?? fallback()
  }

  /// Sets the member to the value.
  public mutating func set(_ key: String, _ value: some JSONEncodable) { self[key] = value.json() }

  /// Sets the member unless the value is nil; then it is left out.
  public mutating func setOptional(_ key: String, _ value: (some JSONEncodable)?) {
    if let value { self[key] = value.json() }
  }

  /// Adds a member of a name that is known to be new, without looking for it; for generated encoders.
  public mutating func appendNew(_ key: String, _ value: JSON) {
    assert(!has(key), "the name is already there")
    append(Member(key: key, value: value))
  }

  /// Refuses members other than the known ones, naming the first stranger.
  public func refuseUnknown(except known: Set<String>, at path: JSONPath = .root) throws(JSONError) {
    guard let stranger = first(where: { !known.contains($0.key) }) else { return }
    let list = known.sorted().joined(separator: ", ")
    throw JSONError(.unknownMember, at: path.appending(stranger.key), "is unknown here; known are: \(list)")
  }
}
