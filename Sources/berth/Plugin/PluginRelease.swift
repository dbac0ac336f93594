// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth plugin release`
struct PluginRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Let a quarantined plugin start again for a storage.",
    discussion: "A plugin that crashes more than four times in three minutes is stopped until someone has looked.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage whose plugin is quarantined.") var storage: String

  func run() async throws {
    try await global.with { client in try await client.releasePlugin(storeid: storage) }
  }
}
