// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth job cancel`
struct JobCancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Ask a job to stop; `berth job wait` tells when it has.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The job's id.") var job: String

  func run() async throws {
    let cancelled = try await global.with { client in try await client.cancelJob(job) }
    if global.json { Output.json(cancelled) }
  }
}
