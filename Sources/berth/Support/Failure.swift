// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import Glibc
internal import JSON
internal import ManagementTypes
internal import StorageRules
internal import Synchronization

/// Tells of a failure in three lines: what, where, what next. With `--json` the problem goes to standard error as JSON.
enum Failure {
  private static let json = Mutex(false)

  /// Whether failures are told as JSON.
  static var asJSON: Bool {
    get { json.withLock { $0 } }
    set { json.withLock { $0 = newValue } }
  }

  /// Tells and ends the program.
  static func exit(_ error: any Error) -> Never {
    switch error {
    case let error as ClientError: tell(error)
    case let error as RulesError:
      tell(ClientError(Problem(status: 400, symbol: "BAD_REQUEST", detail: error.message, hint: error.hint ?? "")))
    case let error as JSONError:
      tell(ClientError(Problem(status: 400, symbol: "BAD_REQUEST", detail: "the input is not understood: \(error)")))
    default:
      let code = Berth.exitCode(for: error)
      let message = Berth.fullMessage(for: error)
      if code.isSuccess {
        if !message.isEmpty { Output.line(message) }
        Glibc.exit(0)
      }
      if !message.isEmpty { write(message + "\n") }
      // What ArgumentParser calls a usage error (64) is 2 here, as the shell's own tools have it.
      Glibc.exit(code == .validationFailure ? ExitStatus.usage.rawValue : code.rawValue)
    }
  }

  /// Tells, on standard error, what a change that was made has for whoever made it.
  static func warn(_ result: JSON) {
    for warning in result["warnings"]?.arrayValue ?? [] {
      write("warning: \(clean(warning.stringValue ?? ""))\n")
    }
  }

  private static func tell(_ error: ClientError) -> Never {
    let status = ExitStatus(error)
    if asJSON {
      let problem =
        error.problem
        ?? Problem(
          status: 0, symbol: error.code.rawValue, detail: error.message, place: error.place,
          outcome: error.code == .broken ? "unknown" : "not_started", hint: error.hint)
      write(problem.json().text() + "\n")
    } else {
      write(lines(error))
    }
    Glibc.exit(status.rawValue)
  }

  /// The three lines; a line that has nothing to say is left out.
  static func lines(_ error: ClientError) -> String {
    var text = "error: \(clean(error.message)) [\(error.problem?.symbol ?? error.code.rawValue)]\n"
    var place = clean(error.place)
    if let state = error.problem.flatMap({ outcome($0.outcome) }) { place += (place.isEmpty ? "" : "; ") + state }
    if !place.isEmpty { text += "where: \(place)\n" }
    if !error.hint.isEmpty { text += "next:  \(clean(error.hint))\n" }
    return text
  }

  private static func outcome(_ outcome: String) -> String? {
    switch outcome {
    case "not_started": "nothing was changed"
    case "rolled_back": "what was begun was undone"
    case "partial": "it was done in part"
    case "completed": "it was done nevertheless"
    case "unknown": "whether it was done is unknown"
    default: nil
    }
  }

  /// Text without control characters: what a storage or plugin says must not steer a terminal.
  static func clean(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }

  static func write(_ text: String) { _ = Output.writeAll(Array(text.utf8), to: STDERR_FILENO) }
}
