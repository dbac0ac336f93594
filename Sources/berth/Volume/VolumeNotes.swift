// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume notes`
struct VolumeNotes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notes", abstract: "Show or set a volume's notes.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: "The new notes; shown without. An empty text removes them.") var text: String?
  @OptionGroup var job: JobOptions

  func run() async throws {
    guard let text else {
      let info = try await global.with { client in try await client.volume(volume) }
      if global.json { Output.json(["notes": info.notes.json()] as JSON) }
      if !global.json, let notes = info.notes { Output.line(notes) }
      return
    }
    try await global.with { client in
      try await JobRunner.run(
        .updateVolume(volume, VolumeUpdate(notes: text)), client: client, global: global, options: job)
    }
  }
}
