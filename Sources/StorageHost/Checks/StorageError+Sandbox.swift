// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

extension StorageError {
  init(_ error: SandboxError) {
    let code: Code = error.code == .permissionRefused ? .permissionDenied : .sandboxFailed
    self = .make(code, error.reason, outcome: .notStarted, hint: error.hint)
  }
}
