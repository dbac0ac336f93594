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

  func run() async throws {
    let made = try await global.with { client in try await client.makeBase(volume) }
    if global.json { Output.json(made) } else { Output.line(made.volid) }
  }
}
