// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume base`
struct VolumeBase: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "base", abstract: "Turn a volume into a base image for linked clones; its new id is printed.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @OptionGroup var job: JobOptions

  func run() async throws {
    try await global.with { client in
      try await JobRunner.run(
        .makeBase(volume), client: client, global: global, options: job, text: JobRunner.volid)
    }
  }
}
