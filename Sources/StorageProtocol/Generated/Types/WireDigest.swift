// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// A checksum over all bytes of a stream, the size header included.
public struct WireDigest: JSONCodable, Sendable, Hashable {
  /// How it was computed.
  public var algorithm: WireDigestAlgorithm
  /// Lower-case hex.
  public var value: String

  public init(algorithm: WireDigestAlgorithm, value: String) {
    self.algorithm = algorithm
    self.value = value
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.algorithm = try object.required("algorithm", at: path)
    self.value = try object.text("value", .hexDigest, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    object.appendNew("algorithm", algorithm.json())
    object.appendNew("value", .string(value))
    return .object(object)
  }
}
