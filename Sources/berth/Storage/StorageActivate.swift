// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage activate`
struct StorageActivate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activate", abstract: "Make a storage ready for use: mount it, log in, make its folders.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String

  func run() async throws {
    try await global.with { client in try await client.activate(storage) }
  }
}
