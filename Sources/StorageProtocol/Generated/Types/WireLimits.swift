// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a side accepts.
public struct WireLimits: JSONCodable, Sendable, Hashable {
  /// Longest line it reads, in bytes, without the line feed.
  public var maxMessageBytes: Int?
  /// Most unanswered requests it accepts at once.
  public var maxInFlight: Int?

  public init(maxMessageBytes: Int? = nil, maxInFlight: Int? = nil) {
    self.maxMessageBytes = maxMessageBytes
    self.maxInFlight = maxInFlight
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.maxMessageBytes = try object.optionalInteger("maxMessageBytes", 65_536...67_108_864, at: path)
    self.maxInFlight = try object.optionalInteger("maxInFlight", 1...65_536, at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(2)
    if let maxMessageBytes { object.appendNew("maxMessageBytes", .int(Int64(maxMessageBytes))) }
    if let maxInFlight { object.appendNew("maxInFlight", .int(Int64(maxInFlight))) }
    return .object(object)
  }
}
