// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Takes the storage's lock.
///
/// The host holds all locks; never sent to a plugin. For locks of its own a plugin has `host.lock.acquire`.
public enum ClusterLockStorage: StorageMethod {
  public static let name = "cluster_lock_storage"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "general",
    summary: "Takes the storage's lock.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(60_000),
    capability: "general",
    onWire: false,
    pveMethod: "cluster_lock_storage",
    hostDefault: HostDefault(.rule, "The host's lease on `storage/<storeid>`."),
    errors: [.deadlineExceeded, .lockLost])

  /// Arguments of `cluster_lock_storage`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Whether the lock spans the cluster.
    public var shared: Bool
    /// How long to wait, in ms.
    public var timeoutMs: Int64?

    public init(storeid: String, shared: Bool, timeoutMs: Int64? = nil) {
      self.storeid = storeid
      self.shared = shared
      self.timeoutMs = timeoutMs
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.shared = try object.required("shared", at: path)
      self.timeoutMs = try object.optionalInteger("timeoutMs", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(3)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("shared", .bool(shared))
      if let timeoutMs { object.appendNew("timeoutMs", .int(timeoutMs)) }
      return .object(object)
    }
  }

  /// What `cluster_lock_storage` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The lease.
    public var lock: LockLease

    public init(lock: LockLease) {
      self.lock = lock
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.lock = try object.required("lock", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("lock", lock.json())
      return .object(object)
    }
  }
}
