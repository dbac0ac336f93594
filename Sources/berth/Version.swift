// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// This program's version.
let berthVersion = "0.1.0"

/// `berth version`
struct VersionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Show the versions of this program and of the running daemon.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let daemon = try? await global.with { client in try await client.version() }
    if global.json {
      Output.json(["berth": .string(berthVersion), "berthd": daemon?.json() ?? .null])
    } else {
      Output.line("berth  \(berthVersion)")
      Output.line("berthd \(daemon.map { "\($0.version), plugin protocol \($0.protocolVersion)" } ?? "not running")")
    }
  }
}
