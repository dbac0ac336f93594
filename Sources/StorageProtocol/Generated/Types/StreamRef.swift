// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Where a stream's bytes go through.
public struct StreamRef: JSONCodable, Sendable, Hashable {
  /// Names the stream, for `fd` transport and logs.
  public var id: String
  /// Path of the FIFO inside the plugin's file system; the plugin opens it before it starts the work.
  public var path: String
  /// `fifo` when absent.
  public var transport: StreamTransport?

  public init(id: String, path: String, transport: StreamTransport? = nil) {
    self.id = id
    self.path = path
    self.transport = transport
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    self.id = try object.text("id", .length(1...64), at: path)
    self.path = try object.text("path", .length(1...4096), at: path)
    self.transport = try object.optional("transport", at: path)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object.reserveCapacity(3)
    object.appendNew("id", .string(id))
    object.appendNew("path", .string(path))
    if let transport { object.appendNew("transport", transport.json()) }
    return .object(object)
  }
}
