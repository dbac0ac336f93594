// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume clone`
struct VolumeClone: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clone", abstract: "Make a linked clone of a base image; its id is printed.",
    discussion: "`berth volume base` turns a volume into a base image; `berth volume copy` makes a full copy.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The base image's id.") var volume: String
  @Argument(help: "The number of the guest that will own the clone.") var vmid: Int
  @Option(help: "Clone this snapshot.") var snapshot: String?
  @OptionGroup var job: JobOptions

  func run() async throws {
    let wish = ManagementTypes.VolumeClone(vmid: vmid, snapshot: snapshot)
    try await global.with { client in
      try await JobRunner.run(
        .clone(volume, wish), client: client, global: global, options: job, text: JobRunner.volid)
    }
  }
}
