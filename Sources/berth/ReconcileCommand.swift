// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth reconcile`
struct ReconcileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconcile",
    abstract: "Look again at every operation that was interrupted and settle it against the storage.",
    discussion: """
      The daemon does this when it starts. The exit code is 1 when something is left for you to look at. What is told of \
      is closed by doing what 'next' says, or else, once you have looked, with --dismiss: what it left stays as it is.
      """)

  @OptionGroup var global: GlobalOptions
  @Argument(help: "Only this storage's operations.") var storage: String?
  @Option(help: "Close the record of this operation, named by its id.") var dismiss: String?

  func validate() throws {
    if storage != nil && dismiss != nil { throw ValidationError("--dismiss takes an operation's id, and no storage") }
  }

  func run() async throws {
    let items = try await global.with { client in
      if let dismiss { return [try await client.dismiss(operation: dismiss)] }
      return try await client.reconcile(storeid: storage)
    }
    if global.json {
      Output.json(ListOf(items))
    } else {
      for item in items {
        Output.line(
          "\(item.verdict)  \(item.method) on \(item.storeid) (\(item.operation)): \(Failure.clean(item.message))")
        if let hint = item.hint { Output.line("  next: \(Failure.clean(hint))") }
      }
      if items.isEmpty { Output.line("nothing is unsettled") }
    }
    if items.contains(where: { $0.verdict == "reported" }) { throw ExitCode(ExitStatus.failed.rawValue) }
  }
}
