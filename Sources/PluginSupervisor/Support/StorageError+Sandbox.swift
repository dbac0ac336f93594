// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import PluginSandbox
public import StorageProtocol

extension StorageError {
  /// What keeps a plugin from being started, as its callers are told: `PERMISSION_DENIED`, `NO_SPACE` where a file of
  /// the daemon's own has no room, else `SANDBOX_FAILED`. Nothing was begun.
  public init(_ error: SandboxError) {
    let code: Code =
      switch error.code {
      case .permissionRefused: .permissionDenied
      // Elsewhere ENOSPC has other meanings, such as too many namespaces.
      case .systemFailure where Self.isFull(error.errno), .stateUnusable where Self.isFull(error.errno): .noSpace
      default: .sandboxFailed
      }
    self.init(code, error.reason, outcome: .notStarted, hint: error.hint)
  }

  private static func isFull(_ number: Int32?) -> Bool { number == ENOSPC || number == EDQUOT }
}
