// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage deactivate`
struct StorageDeactivate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deactivate", abstract: "Undo that.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String

  func run() async throws {
    try await global.with { client in try await client.deactivate(storage) }
  }
}
