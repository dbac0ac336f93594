// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What an import or a copy made.
public struct TransferView: JSONCodable, Sendable, Hashable {
  /// The volume.
  public var volid: String
  /// The stream format.
  public var format: String
  /// How many bytes went through the stream.
  public var bytes: Int64
  /// `algorithm:hexadecimal` over them, equal on both sides, when one was computed.
  public var digest: String?

  public init(volid: String, format: String, bytes: Int64, digest: String? = nil) {
    self.volid = volid
    self.format = format
    self.bytes = bytes
    self.digest = digest
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    volid = try members.required("volid", at: path)
    format = try members.required("format", at: path)
    bytes = try members.required("bytes", at: path)
    digest = try members.optional("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("volid", volid)
    members.set("format", format)
    members.set("bytes", bytes)
    members.setOptional("digest", digest)
    return .object(members)
  }
}
