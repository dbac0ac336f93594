// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume copy`
struct VolumeCopy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy", abstract: "Copy a volume to another storage.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var options: CopyOptions
  @OptionGroup var job: JobOptions

  func run() async throws {
    try await global.with { client in
      try await JobRunner.run(
        .copy(options.volume, options.request), client: client, global: global, options: job, text: JobRunner.volid)
    }
  }
}
