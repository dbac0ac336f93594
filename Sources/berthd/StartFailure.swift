// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import ManagementAPI
internal import PluginSandbox
internal import StorageProtocol

/// Why the daemon does not start: what, where, what next.
struct StartFailure: Error {
  var message: String
  var place: String
  var hint: String

  /// Tells and ends the program.
  static func exit(_ error: any Error) -> Never {
    let failure: StartFailure =
      switch error {
      case let error as StartFailure: error
      case let error as SocketError: StartFailure(message: error.message, place: error.path, hint: error.hint)
      case let error as StorageError:
        StartFailure(message: error.message, place: error.code.symbol, hint: error.hint ?? "")
      case let error as SandboxError: StartFailure(message: "\(error)", place: "the sandbox", hint: error.hint ?? "")
      default: StartFailure(message: "\(error)", place: "", hint: "")
      }
    var text = "error: berthd does not run: \(failure.message)\n"
    if !failure.place.isEmpty { text += "where: \(failure.place)\n" }
    if !failure.hint.isEmpty { text += "next:  \(failure.hint)\n" }
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
    Glibc.exit(1)
  }
}
