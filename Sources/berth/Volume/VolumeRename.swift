// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume rename`
struct VolumeRename: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rename", abstract: "Give a volume another owner or name; its new id is printed.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Option(help: "The guest that will own it.") var vmid: Int?
  @Option(help: "Its new name; the next free one without.") var name: String?
  @OptionGroup var job: JobOptions

  func validate() throws {
    if vmid == nil && name == nil { throw ValidationError("give --vmid, --name or both") }
  }

  func run() async throws {
    let wish = ManagementTypes.VolumeRename(vmid: vmid, name: name)
    try await global.with { client in
      try await JobRunner.run(
        .rename(volume, wish), client: client, global: global, options: job, text: JobRunner.volid)
    }
  }
}
