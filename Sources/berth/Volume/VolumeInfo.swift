// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume info`
struct VolumeInfo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "info", abstract: "Show a volume.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String

  func run() async throws {
    let info = try await global.with { client in try await client.volume(volume) }
    if global.json { return Output.json(info) }
    Output.line("volume     \(Failure.clean(info.volid))")
    Output.line("content    \(info.content ?? "-")")
    Output.line("format     \(info.format ?? "-")")
    Output.line("size       \(SizeColumn.text(info.size)) (\(info.size) bytes)")
    Output.line("used       \(SizeColumn.text(info.used))")
    Output.line("guest      \(info.vmid.map(String.init) ?? "-")")
    Output.line("base       \(info.base ? "yes" : "no")")
    Output.line("parent     \(Failure.clean(info.parent ?? "-"))")
    Output.line("made       \(TimeColumn.text(info.ctime))")
    Output.line("path       \(Failure.clean(info.path ?? "-"))")
    Output.line("protected  \(info.protected.map { $0 ? "yes" : "no" } ?? "-")")
    Output.line("notes      \(Failure.clean(info.notes ?? "-"))")
  }
}
