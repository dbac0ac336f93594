// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth job wait`
struct JobWait: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Wait for a job's end; fails as the job failed.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The job's id.") var job: String

  func run() async throws {
    try await global.with { client in
      let ended = try await JobRunner.wait(for: try await client.job(job), client: client, global: global)
      if global.json { Output.json(ended) } else { Output.line(ended.state) }
    }
  }
}
