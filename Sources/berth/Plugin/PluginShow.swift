// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth plugin show`
struct PluginShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a plugin: what it serves, what it asks to be allowed, how well its processes are confined.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The plugin's id.") var plugin: String

  func run() async throws {
    let name = plugin
    let plugin = try await global.with { client in try await client.plugin(name) }
    if global.json { return Output.json(plugin) }
    Output.line("id           \(plugin.id ?? "-")")
    Output.line("version      \(plugin.version ?? "-")")
    Output.line("vendor       \(Failure.clean(plugin.vendor ?? "-"))")
    for line in StorageTypeText.lines(plugin) { Output.line(Failure.clean(line)) }
    Output.line("bundle       \(plugin.path)")
    Output.line("sha256       \(plugin.sha256 ?? "-")")
    Output.line("digest       \(plugin.digest ?? "-")")
    Output.line("state        \(Failure.clean(plugin.problem.map { "refused: \($0)" } ?? "usable"))")
    if let reason = plugin.refusedUpdate { Output.line("update       refused: \(Failure.clean(reason))") }
    Output.line("permissions  \(plugin.permissions.isEmpty ? "none" : "")")
    for line in PermissionsText.asked(plugin) { Output.line(line) }
    for storage in plugin.storages ?? [] {
      Output.line("storage      \(storage.storeid), \(storage.state): \(PermissionsText.meaning(storage.state))")
      for line in storage.added { Output.line("  new   \(Failure.clean(line))") }
      for line in storage.removed { Output.line("  gone  \(Failure.clean(line))") }
      for line in storage.missing { Output.line("  needs \(Failure.clean(line))") }
    }
    for process in plugin.processes ?? [] { show(process) }
  }

  private func show(_ process: ProcessView) {
    var line = "process      \(process.storeid ?? "all storages"), \(process.state)"
    if let pid = process.pid { line += ", pid \(pid)" }
    if let uid = process.uid { line += ", uid \(uid)" }
    Output.line(line)
    if let lastEnd = process.lastEnd { Output.line("  last end  \(Failure.clean(lastEnd))") }
    if let holdBack = process.holdBack { Output.line("  now       \(Failure.clean(holdBack))") }
    let faults = process.faults
    if faults != .init() {
      Output.line(
        "  faults    answers: \(faults.lateAnswers) late, \(faults.unknownAnswers) to nothing, "
          + "\(faults.duplicateAnswers) twice; \(faults.strayLines) lines that are no messages")
    }
    guard let score = process.score else { return }
    Output.line("  score     \(score) of 100")
    for lost in process.deductions { Output.line("    -\(lost.points)  \(Failure.clean(lost.reason))") }
  }
}
