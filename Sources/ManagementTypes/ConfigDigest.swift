// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The configuration file's state.
public struct ConfigDigest: JSONCodable, Sendable, Hashable {
  /// SHA-1 of its text, hexadecimal.
  public var digest: String
  /// Where it is.
  public var path: String

  public init(digest: String, path: String) {
    self.digest = digest
    self.path = path
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    digest = try members.required("digest", at: path)
    self.path = try members.required("path", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("digest", digest)
    members.set("path", path)
    return .object(members)
  }
}
