// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth daemon status`
struct DaemonStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how the daemon is; exit code 3 when it is not running.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let health = try await global.with { client in try await client.health() }
    if global.json { return Output.json(health) }
    Output.line("state     \(health.state) (pid \(health.pid))")
    Output.line("up        \(TimeColumn.span(health.uptimeMs))")
    Output.line("sandbox   \(health.sandbox)")
    Output.line("storages  \(health.usable) usable of \(health.storages)")
    for warning in health.warnings { Output.line("warning   \(Failure.clean(warning))") }
  }
}
