// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

extension StorageError {
  /// What to do next: what the error itself says, else what helps with errors of its kind.
  var advice: String {
    if let hint, !hint.isEmpty { return hint }
    switch outcome {
    case .partial: return "look at the volume before anything uses it, then: berth reconcile"
    case .unknown: return "ask the host what became of it: berth reconcile"
    default: return kindsAdvice
    }
  }

  private var kindsAdvice: String {
    switch code {
    case .noSpace, .quotaExceeded: "free space on the storage (berth storage status), then repeat the request"
    case .nameInvalid: "take a name as in 'berth volume list', or leave it out: the host chooses one"
    case .formatUnsupported: "see the formats in 'berth plugin show'"
    case .volumeNotFound: "see 'berth volume list'"
    case .snapshotNotFound: "see 'berth snapshot list'"
    case .volumeExists, .snapshotExists: "choose another name, or remove the one that is there"
    case .hasDependents: "remove the linked clones first: 'berth volume list' shows them under their base"
    case .rollbackBlocked: "remove what blocks it first, or choose a newer snapshot"
    case .volumeBusy, .inProgress, .overloaded, .lockLost: "wait (berth lock list, berth job list), then repeat it"
    case .protected: "berth volume protect ID --off, if it is really to go"
    case .readOnly: "a base image is never changed: make a clone of it"
    case .notSupported, .unsupportedFeature, .methodNotFound:
      "the storage's plugin does not offer this: see 'berth plugin show'"
    case .pluginCrashed: "it starts again with the next call: repeat it; the daemon's log has the plugin's last words"
    case .protocolViolation, .resultInvalid, .messageTooLarge:
      "a fault of the plugin: tell its vendor, with the daemon's log; its next call starts it anew"
    case .pluginQuarantined: "repair the cause, then: berth plugin release STORAGE"
    case .pluginUnreapable: "its process hangs in the kernel: repair the device or share it waits for"
    case .deadlineExceeded, .storageUnavailable, .storageNotActive, .shuttingDown:
      "see 'berth storage status'; repeat it when the storage answers"
    case .authFailed: "set the right secret: berth storage set ID --secret NAME"
    case .permissionDenied, .hostDenied: "check the owner and mode of the storage's files, and 'berth plugin show'"
    case .corrupt: "restore the volume from a copy; the storage's own tools may tell more"
    case .streamBroken: "do not use what was received; repeat the transfer"
    case .configInvalid: "correct it with 'berth storage set', or see 'berth config check'"
    case .invalidParams, .invalidRequest, .cursorInvalid: "correct the request: see docs/api.md, or --help"
    default: "the daemon's log says more"
    }
  }
}
