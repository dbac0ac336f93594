// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth plugin list`
struct PluginList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the plugins found.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let plugins = try await global.with { client in try await client.plugins() }
    if global.json { return Output.json(ListOf(plugins)) }
    var table = Table([
      .init("PLUGIN"), .init("VERSION"), .init("TYPES"), .init("STATE"), .init("PATH", flexible: true),
    ])
    for plugin in plugins {
      table.add([
        plugin.id ?? "-", plugin.version ?? "-", plugin.types.joined(separator: ","),
        plugin.problem != nil ? "refused" : plugin.refusedUpdate != nil ? "usable, update refused" : "usable",
        plugin.path,
      ])
    }
    table.print()
    for plugin in plugins {
      guard let reason = plugin.problem ?? plugin.refusedUpdate else { continue }
      Output.line("\(plugin.id ?? plugin.path): \(Failure.clean(reason))")
    }
  }
}
