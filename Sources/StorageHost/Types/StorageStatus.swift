// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// The last known state of a storage; asking for it never waits for the storage.
public struct StorageStatus: Sendable, Hashable, JSONEncodable {
  public var storeid: String
  public var type: String
  public var isEnabled: Bool
  /// Whether the storage answered its last sample and called itself active.
  public var isActive: Bool
  /// Whether nothing is known yet because the first sample has not been answered.
  public var isSampling = false
  /// Bytes; nil before the first good sample.
  public var total: Int64?
  public var used: Int64?
  public var available: Int64?
  /// Milliseconds since the epoch of the last good sample.
  public var sampled: Int64?
  /// Milliseconds between that sample and now.
  public var ageMs: Int64?
  /// Why the last sample failed.
  public var error: StorageError?
  /// What the plugin's process does: `stopped`, `starting`, `ready`, `backoff`, `quarantined`, …
  public var process: String?

  public func json() -> JSON {
    var object = JSONObject()
    object.set("storeid", storeid)
    object.set("type", type)
    object.set("enabled", isEnabled)
    object.set("active", isActive)
    if isSampling { object.set("sampling", true) }
    object.setOptional("total", total)
    object.setOptional("used", used)
    object.setOptional("available", available)
    object.setOptional("sampled", sampled)
    object.setOptional("ageMs", ageMs)
    object["error"] = error?.json()
    object.setOptional("process", process)
    return .object(object)
  }
}
