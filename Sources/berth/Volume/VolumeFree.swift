// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume free`
struct VolumeFree: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "free", abstract: "Remove volumes and what they hold.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volumes' ids.") var volumes: [String]
  @OptionGroup var job: JobOptions

  func validate() throws {
    if job.key.idempotencyKey != nil, volumes.count > 1 {
      throw ValidationError("a key belongs to one request: free one volume with it")
    }
  }

  func run() async throws {
    try await global.with { client in
      for volume in volumes {
        try await JobRunner.run(.free(volume), client: client, global: global, options: job)
      }
    }
  }
}
