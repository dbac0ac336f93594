// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A snapshot of a volume.
public struct SnapshotView: JSONCodable, Sendable, Hashable {
  /// Its name.
  public var name: String
  /// What the storage says of it: `id`, `timestamp` (s since the epoch), `parent`, `virtualSize`, …
  public var details: JSONObject

  public init(name: String, details: JSONObject = JSONObject()) {
    self.name = name
    self.details = details
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    name = try members.required("name", at: path)
    details = try members.optional("details", at: path, default: JSONObject())
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("name", name)
    members.set("details", details)
    return .object(members)
  }
}
