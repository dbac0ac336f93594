// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Part of a listing.
public struct VolumeList: JSONCodable, Sendable, Hashable {
  /// The volumes.
  public var volumes: [VolumeView]
  /// Where the next part begins; absent after the last.
  public var cursor: String?

  public init(volumes: [VolumeView], cursor: String? = nil) {
    self.volumes = volumes
    self.cursor = cursor
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    volumes = try members.required("volumes", at: path)
    cursor = try members.optional("cursor", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("volumes", volumes)
    members.setOptional("cursor", cursor)
    return .object(members)
  }
}
