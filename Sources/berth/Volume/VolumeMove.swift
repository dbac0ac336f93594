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
      try await JobRunner.run(
        .move(options.volume, options.request), client: client, global: global, options: job, text: JobRunner.volid)
    }
  }
}
