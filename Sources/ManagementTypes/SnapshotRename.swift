// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A snapshot's new name.
public struct SnapshotRename: JSONCodable, Sendable, Hashable {
  /// The new name.
  public var name: String

  public init(name: String) {
    self.name = name
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["name"], at: path)
    name = try members.required("name", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("name", name)
    return .object(members)
  }
}
