// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Applies retention to backups.
public enum PruneBackups: StorageMethod {
  public static let name = "prune_backups"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "volumes",
    summary: "Applies retention to backups.",
    mutating: true,
    idempotent: true,
    lock: .storage,
    defaultTimeout: .milliseconds(3_600_000),
    longRunning: true,
    capability: "backup",
    pveMethod: "prune_backups",
    hostDefault: HostDefault(
      .rule,
      """
      Retention over `list_volumes` of content `backup`; removal by `free_image`, one lock a volume.
      """),
    errors: [
      .invalidParams, .internalError, .notInitialized, .unsupportedFeature, .shuttingDown, .messageTooLarge,
      .overloaded, .cancelled, .deadlineExceeded, .configInvalid, .storageUnavailable, .storageNotActive, .authFailed,
      .permissionDenied, .backendError, .hostDenied, .staleFence, .lockRequired, .lockLost, .idempotencyConflict,
      .inProgress, .readOnly, .noSpace, .quotaExceeded, .corrupt, .notSupported, .protected, .volumeBusy,
    ])

  /// Arguments of `prune_backups`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// The storage.
    public var storeid: String
    /// Its configuration.
    public var scfg: JSONObject
    /// How many to keep.
    public var keep: KeepOptions
    /// Only this guest's.
    public var vmid: Int?
    /// Only this kind: `qemu` or `lxc`.
    public var type: String?
    /// Decide only, remove nothing.
    public var dryRun: Bool

    public init(
      storeid: String, scfg: JSONObject, keep: KeepOptions, dryRun: Bool, vmid: Int? = nil, type: String? = nil
    ) {
      self.storeid = storeid
      self.scfg = scfg
      self.keep = keep
      self.vmid = vmid
      self.type = type
      self.dryRun = dryRun
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.storeid = try object.text("storeid", .storageId, at: path)
      self.scfg = try object.required("scfg", at: path)
      self.keep = try object.required("keep", at: path)
      self.vmid = try object.optionalInteger("vmid", 1...999_999_999, at: path)
      self.type = try object.optionalText("type", .length(0...32), at: path)
      self.dryRun = try object.required("dryRun", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(6)
      object.appendNew("storeid", .string(storeid))
      object.appendNew("scfg", .object(scfg))
      object.appendNew("keep", keep.json())
      if let vmid { object.appendNew("vmid", .int(Int64(vmid))) }
      if let type { object.appendNew("type", .string(type)) }
      object.appendNew("dryRun", .bool(dryRun))
      return .object(object)
    }
  }

  /// What `prune_backups` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// Every backup looked at.
    public var backups: [PrunedBackup]

    public init(backups: [PrunedBackup]) {
      self.backups = backups
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.backups = try object.list("backups", upTo: 100_000, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("backups", backups.json())
      return .object(object)
    }
  }
}
