// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What a finished export, import, copy or move did.
public struct TransferReport: Sendable, Hashable, JSONEncodable {
  /// The volume read or made.
  public var volid: String
  public var format: String
  /// Bytes that went through the stream.
  public var bytes: Int64
  /// `crc32:…` or `sha256:…`, equal on both sides; nil when none was asked for.
  public var digest: String?

  public init(volid: String, format: String, bytes: Int64, digest: String? = nil) {
    self.volid = volid
    self.format = format
    self.bytes = bytes
    self.digest = digest
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.set("volid", volid)
    object.set("format", format)
    object.set("bytes", bytes)
    object.setOptional("digest", digest)
    return .object(object)
  }
}
