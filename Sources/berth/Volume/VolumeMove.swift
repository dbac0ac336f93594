// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume move`
struct VolumeMove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "move", abstract: "Move a volume to another storage; the source goes once the target is durable.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var options: CopyOptions
  @OptionGroup var job: JobOptions

  func run() async throws {
    try await global.with { client in
      let started = try await client.move(options.volume, options.request)
      try await JobRunner.finish(started, client: client, global: global, detach: job.detach) { done in
        done.result?["volid"]?.stringValue ?? done.state
      }
    }
  }
}
