// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth plugin show`
struct PluginShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a plugin: what it serves and what it asks to be allowed.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The plugin's id.") var plugin: String

  func run() async throws {
    let name = plugin
    let plugin = try await global.with { client in try await client.plugin(name) }
    if global.json { return Output.json(plugin) }
    Output.line("id           \(plugin.id ?? "-")")
    Output.line("version      \(plugin.version ?? "-")")
    Output.line("vendor       \(Failure.clean(plugin.vendor ?? "-"))")
    Output.line("types        \(plugin.types.joined(separator: ", "))")
    Output.line("bundle       \(plugin.path)")
    Output.line("sha256       \(plugin.sha256 ?? "-")")
    Output.line("state        \(Failure.clean(plugin.problem.map { "refused: \($0)" } ?? "usable"))")
    Output.line("permissions  \(plugin.permissions.isEmpty ? "none" : "")")
    for permission in plugin.permissions { Output.line("  \(Failure.clean(permission))") }
  }
}
