// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

/// The protocol's error table.
extension StorageError.Code {
  /// PARSE_ERROR: The line is no acceptable JSON.
  public static let parseError = StorageError.Code(rawValue: -32700)
  /// INVALID_REQUEST: JSON, but no JSON-RPC 2.0 request.
  public static let invalidRequest = StorageError.Code(rawValue: -32600)
  /// METHOD_NOT_FOUND: The plugin does not implement the method.
  public static let methodNotFound = StorageError.Code(rawValue: -32601)
  /// INVALID_PARAMS: Arguments do not fit the method; `data.field` says where.
  public static let invalidParams = StorageError.Code(rawValue: -32602)
  /// INTERNAL_ERROR: The side that answers has a bug; `outcome` is unknown unless it says better.
  public static let internalError = StorageError.Code(rawValue: -32603)
  /// NOT_INITIALIZED: A request before `initialize` was answered.
  public static let notInitialized = StorageError.Code(rawValue: 1001)
  /// UNSUPPORTED_PROTOCOL: No common version; `data.supported` has both ranges, the message says which side must be
  /// upgraded.
  public static let unsupportedProtocol = StorageError.Code(rawValue: 1002)
  /// UNSUPPORTED_FEATURE: `context.require` names something the plugin does not know; `data.feature`.
  public static let unsupportedFeature = StorageError.Code(rawValue: 1003)
  /// SHUTTING_DOWN: The plugin is going down and takes no new work.
  public static let shuttingDown = StorageError.Code(rawValue: 1004)
  /// MESSAGE_TOO_LARGE: A message exceeds the receiver's limit; `data.limit` in bytes.
  public static let messageTooLarge = StorageError.Code(rawValue: 1005)
  /// OVERLOADED: Too much is in flight; `retry.afterMs`.
  public static let overloaded = StorageError.Code(rawValue: 1006)
  /// CANCELLED: Ended because of `$/cancel`; `outcome` says what became of the work.
  public static let cancelled = StorageError.Code(rawValue: 1007)
  /// DEADLINE_EXCEEDED: The time given was not enough; `outcome` says what became of the work.
  public static let deadlineExceeded = StorageError.Code(rawValue: 1008)
  /// STALE_FENCE: A higher fencing token was seen; `data.seen`.
  public static let staleFence = StorageError.Code(rawValue: 1009)
  /// LOCK_REQUIRED: The call needs a lock and carried none.
  public static let lockRequired = StorageError.Code(rawValue: 1010)
  /// LOCK_LOST: The lease ended while the work ran.
  public static let lockLost = StorageError.Code(rawValue: 1011)
  /// IDEMPOTENCY_CONFLICT: The same idempotency key came with other arguments.
  public static let idempotencyConflict = StorageError.Code(rawValue: 1012)
  /// IN_PROGRESS: A call with the same idempotency key still runs; `data.operation`.
  public static let inProgress = StorageError.Code(rawValue: 1013)
  /// STREAM_BROKEN: A stream ended early or its count or digest differ; `data.bytes`, `data.expected`.
  public static let streamBroken = StorageError.Code(rawValue: 1014)
  /// HOST_DENIED: A host service was refused: not in the manifest, not granted, or its arguments leave the grant.
  public static let hostDenied = StorageError.Code(rawValue: 1015)
  /// PROTOCOL_VIOLATION: The other side broke the protocol; the offending text is quoted.
  public static let protocolViolation = StorageError.Code(rawValue: 1016)
  /// PLUGIN_CRASHED: The plugin ended while the call ran; `data.exit`, the last lines of stderr.
  public static let pluginCrashed = StorageError.Code(rawValue: 1017)
  /// RESULT_INVALID: The plugin's result does not fit the method or contradicts what was asked.
  public static let resultInvalid = StorageError.Code(rawValue: 1018)
  /// PLUGIN_QUARANTINED: The plugin crashed too often and is held until an operator releases it.
  public static let pluginQuarantined = StorageError.Code(rawValue: 1019)
  /// PLUGIN_UNREAPABLE: The plugin's processes cannot be killed (state D); its locks stay held.
  public static let pluginUnreapable = StorageError.Code(rawValue: 1020)
  /// MANIFEST_INVALID: The manifest is wrong, or the plugin says something else than its manifest.
  public static let manifestInvalid = StorageError.Code(rawValue: 1021)
  /// SANDBOX_FAILED: The sandbox could not be set up or verified; the plugin was not started.
  public static let sandboxFailed = StorageError.Code(rawValue: 1022)
  /// JOB_NOT_FOUND: No job of that id, or it ended so long ago that it was forgotten.
  public static let jobNotFound = StorageError.Code(rawValue: 1023)
  /// PLUGIN_NOT_FOUND: No plugin of that id is installed.
  public static let pluginNotFound = StorageError.Code(rawValue: 1024)
  /// CONFIG_INVALID: A configuration property is wrong; `data.field` is its JSON Pointer.
  public static let configInvalid = StorageError.Code(rawValue: 1101)
  /// STORAGE_UNAVAILABLE: The storage cannot be reached now.
  public static let storageUnavailable = StorageError.Code(rawValue: 1102)
  /// STORAGE_NOT_ACTIVE: `activate_storage` must come first.
  public static let storageNotActive = StorageError.Code(rawValue: 1103)
  /// VOLUME_NOT_FOUND: No volume of that name. Freeing one is success, not this error.
  public static let volumeNotFound = StorageError.Code(rawValue: 1104)
  /// VOLUME_EXISTS: The name is taken.
  public static let volumeExists = StorageError.Code(rawValue: 1105)
  /// VOLUME_BUSY: In use; `data.node` when another node uses it.
  public static let volumeBusy = StorageError.Code(rawValue: 1106)
  /// SNAPSHOT_NOT_FOUND: No snapshot of that name.
  public static let snapshotNotFound = StorageError.Code(rawValue: 1107)
  /// SNAPSHOT_EXISTS: The snapshot's name is taken.
  public static let snapshotExists = StorageError.Code(rawValue: 1108)
  /// ROLLBACK_BLOCKED: Newer snapshots or clones stand in the way; `data.blockers` names them.
  public static let rollbackBlocked = StorageError.Code(rawValue: 1109)
  /// NO_SPACE: Not enough room; `data.needed`, `data.available` in bytes.
  public static let noSpace = StorageError.Code(rawValue: 1110)
  /// QUOTA_EXCEEDED: A quota is used up; `data.needed`, `data.available` in bytes.
  public static let quotaExceeded = StorageError.Code(rawValue: 1111)
  /// FORMAT_UNSUPPORTED: The storage has no such format, or not for this.
  public static let formatUnsupported = StorageError.Code(rawValue: 1112)
  /// NAME_INVALID: Not a name this storage accepts.
  public static let nameInvalid = StorageError.Code(rawValue: 1113)
  /// HAS_DEPENDENTS: Other volumes depend on it; `data.dependents` names them.
  public static let hasDependents = StorageError.Code(rawValue: 1114)
  /// READ_ONLY: The storage or volume cannot be written.
  public static let readOnly = StorageError.Code(rawValue: 1115)
  /// AUTH_FAILED: The backend refused the credentials.
  public static let authFailed = StorageError.Code(rawValue: 1116)
  /// PERMISSION_DENIED: The backend or file system refused the operation.
  public static let permissionDenied = StorageError.Code(rawValue: 1117)
  /// CORRUPT: Data or metadata is damaged.
  public static let corrupt = StorageError.Code(rawValue: 1118)
  /// BACKEND_ERROR: The backend failed; `data.backend` has its code and message.
  public static let backendError = StorageError.Code(rawValue: 1119)
  /// NOT_SUPPORTED: The method is known but not for this volume or with these arguments.
  public static let notSupported = StorageError.Code(rawValue: 1120)
  /// CURSOR_INVALID: The cursor is not, or no longer, known: begin again.
  public static let cursorInvalid = StorageError.Code(rawValue: 1121)
  /// PROTECTED: The volume carries the `protected` attribute.
  public static let protected = StorageError.Code(rawValue: 1122)
  /// STORAGE_NOT_FOUND: No storage of that id is configured.
  public static let storageNotFound = StorageError.Code(rawValue: 1123)

  /// Every code of the table with its symbol and what a caller may do about it.
  static let table: [Entry] = [
    Entry(code: .parseError, symbol: "PARSE_ERROR", retry: .never, raisedBy: .wire),
    Entry(code: .invalidRequest, symbol: "INVALID_REQUEST", retry: .never, raisedBy: .wire),
    Entry(code: .methodNotFound, symbol: "METHOD_NOT_FOUND", retry: .never, raisedBy: .wire),
    Entry(code: .invalidParams, symbol: "INVALID_PARAMS", retry: .afterFix, raisedBy: .wire),
    Entry(code: .internalError, symbol: "INTERNAL_ERROR", retry: .sameKey, raisedBy: .wire),
    Entry(code: .notInitialized, symbol: "NOT_INITIALIZED", retry: .never, raisedBy: .both),
    Entry(code: .unsupportedProtocol, symbol: "UNSUPPORTED_PROTOCOL", retry: .never, raisedBy: .both),
    Entry(code: .unsupportedFeature, symbol: "UNSUPPORTED_FEATURE", retry: .never, raisedBy: .plugin),
    Entry(code: .shuttingDown, symbol: "SHUTTING_DOWN", retry: .afterRestart, raisedBy: .both),
    Entry(code: .messageTooLarge, symbol: "MESSAGE_TOO_LARGE", retry: .afterFix, raisedBy: .both),
    Entry(code: .overloaded, symbol: "OVERLOADED", retry: .backoff, raisedBy: .both),
    Entry(code: .cancelled, symbol: "CANCELLED", retry: .sameKey, raisedBy: .both),
    Entry(code: .deadlineExceeded, symbol: "DEADLINE_EXCEEDED", retry: .sameKey, raisedBy: .both),
    Entry(code: .staleFence, symbol: "STALE_FENCE", retry: .never, raisedBy: .both),
    Entry(code: .lockRequired, symbol: "LOCK_REQUIRED", retry: .reacquire, raisedBy: .both),
    Entry(code: .lockLost, symbol: "LOCK_LOST", retry: .reacquire, raisedBy: .both),
    Entry(code: .idempotencyConflict, symbol: "IDEMPOTENCY_CONFLICT", retry: .never, raisedBy: .both),
    Entry(code: .inProgress, symbol: "IN_PROGRESS", retry: .poll, raisedBy: .both),
    Entry(code: .streamBroken, symbol: "STREAM_BROKEN", retry: .sameKey, raisedBy: .both),
    Entry(code: .hostDenied, symbol: "HOST_DENIED", retry: .never, raisedBy: .host),
    Entry(code: .protocolViolation, symbol: "PROTOCOL_VIOLATION", retry: .never, raisedBy: .host),
    Entry(code: .pluginCrashed, symbol: "PLUGIN_CRASHED", retry: .sameKey, raisedBy: .host),
    Entry(code: .resultInvalid, symbol: "RESULT_INVALID", retry: .never, raisedBy: .host),
    Entry(code: .pluginQuarantined, symbol: "PLUGIN_QUARANTINED", retry: .afterFix, raisedBy: .host),
    Entry(code: .pluginUnreapable, symbol: "PLUGIN_UNREAPABLE", retry: .never, raisedBy: .host),
    Entry(code: .manifestInvalid, symbol: "MANIFEST_INVALID", retry: .afterFix, raisedBy: .host),
    Entry(code: .sandboxFailed, symbol: "SANDBOX_FAILED", retry: .afterFix, raisedBy: .host),
    Entry(code: .jobNotFound, symbol: "JOB_NOT_FOUND", retry: .never, raisedBy: .host),
    Entry(code: .pluginNotFound, symbol: "PLUGIN_NOT_FOUND", retry: .never, raisedBy: .host),
    Entry(code: .configInvalid, symbol: "CONFIG_INVALID", retry: .afterFix, raisedBy: .both),
    Entry(code: .storageUnavailable, symbol: "STORAGE_UNAVAILABLE", retry: .backoff, raisedBy: .both),
    Entry(code: .storageNotActive, symbol: "STORAGE_NOT_ACTIVE", retry: .afterActivate, raisedBy: .both),
    Entry(code: .volumeNotFound, symbol: "VOLUME_NOT_FOUND", retry: .never, raisedBy: .both),
    Entry(code: .volumeExists, symbol: "VOLUME_EXISTS", retry: .newName, raisedBy: .both),
    Entry(code: .volumeBusy, symbol: "VOLUME_BUSY", retry: .backoff, raisedBy: .both),
    Entry(code: .snapshotNotFound, symbol: "SNAPSHOT_NOT_FOUND", retry: .never, raisedBy: .both),
    Entry(code: .snapshotExists, symbol: "SNAPSHOT_EXISTS", retry: .newName, raisedBy: .both),
    Entry(code: .rollbackBlocked, symbol: "ROLLBACK_BLOCKED", retry: .afterFix, raisedBy: .both),
    Entry(code: .noSpace, symbol: "NO_SPACE", retry: .afterFix, raisedBy: .both),
    Entry(code: .quotaExceeded, symbol: "QUOTA_EXCEEDED", retry: .afterFix, raisedBy: .both),
    Entry(code: .formatUnsupported, symbol: "FORMAT_UNSUPPORTED", retry: .never, raisedBy: .both),
    Entry(code: .nameInvalid, symbol: "NAME_INVALID", retry: .afterFix, raisedBy: .both),
    Entry(code: .hasDependents, symbol: "HAS_DEPENDENTS", retry: .afterFix, raisedBy: .both),
    Entry(code: .readOnly, symbol: "READ_ONLY", retry: .never, raisedBy: .both),
    Entry(code: .authFailed, symbol: "AUTH_FAILED", retry: .afterFix, raisedBy: .both),
    Entry(code: .permissionDenied, symbol: "PERMISSION_DENIED", retry: .afterFix, raisedBy: .both),
    Entry(code: .corrupt, symbol: "CORRUPT", retry: .never, raisedBy: .both),
    Entry(code: .backendError, symbol: "BACKEND_ERROR", retry: .backoff, raisedBy: .both),
    Entry(code: .notSupported, symbol: "NOT_SUPPORTED", retry: .never, raisedBy: .both),
    Entry(code: .cursorInvalid, symbol: "CURSOR_INVALID", retry: .restartList, raisedBy: .both),
    Entry(code: .protected, symbol: "PROTECTED", retry: .afterFix, raisedBy: .both),
    Entry(code: .storageNotFound, symbol: "STORAGE_NOT_FOUND", retry: .never, raisedBy: .host),
  ]
}
