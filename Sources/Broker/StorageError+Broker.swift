// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginSandbox
internal import StorageProtocol

extension StorageError {
  /// A call that the grant does not cover; nothing was done.
  static func denied(_ message: String, hint: String? = nil) -> StorageError {
    StorageError(.hostDenied, message, outcome: .notStarted, hint: hint)
  }

  /// An argument that makes no sense; nothing was done.
  static func invalid(_ message: String) -> StorageError {
    StorageError(.invalidParams, message, outcome: .notStarted)
  }

  /// No worker could do it, or not in time.
  init(_ error: SandboxError, method: String) {
    let code: Code =
      switch error.code {
      case .timedOut: .deadlineExceeded
      case .unreapable: .storageUnavailable
      case .invalidPlan: .invalidParams
      default: .internalError
      }
    let began = [.timedOut, .unreapable, .interrupted].contains(error.code)
    var text = "\(method): \(error.message)"
    if let step = error.step { text += " (step \(step))" }
    if let number = error.errno { text += ": \(ErrnoText.describe(number))" }
    self.init(code, text, outcome: began ? .unknown : .notStarted, hint: error.hint)
  }
}

/// The system's error numbers in words.
enum ErrnoText {
  static func describe(_ number: Int32) -> String { String(cString: strerror(number)) }
}
