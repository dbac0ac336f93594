// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A volume that an operation made or changed.
public struct VolumeName: JSONCodable, Sendable, Hashable {
  /// Its id.
  public var volid: String

  public init(volid: String) {
    self.volid = volid
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    volid = try members.required("volid", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("volid", volid)
    return .object(members)
  }
}
