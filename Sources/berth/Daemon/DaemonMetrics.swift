// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth daemon metrics`
struct DaemonMetrics: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print the daemon's figures as Prometheus text.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let text = try await global.with { client in try await client.metrics() }
    Output.write(Array(text.utf8))
  }
}
