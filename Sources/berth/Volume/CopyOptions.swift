// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import ManagementTypes

/// What `berth volume copy` and `berth volume move` take.
struct CopyOptions: ParsableArguments {
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: "The storage to take it to.") var storage: String
  @Option(help: "The guest that will own it there; the same without.") var vmid: Int?
  @Option(help: "Its name there; the next free one without.") var name: String?
  @Option(help: "The stream format; the first both storages know without.") var format: String?
  @Option(help: "Take this snapshot in place of the volume as it is now.") var snapshot: String?
  @Option(help: "Take only what came after this snapshot, to the volume --name that has it too.") var base: String?
  @Flag(help: "Take the snapshots along, where the format can.") var withSnapshots = false
  @Option(help: ArgumentHelp("Most bytes per second, such as 50M.", valueName: "size"))
  var bandwidth: SizeArgument?

  var request: ManagementTypes.VolumeCopy {
    ManagementTypes.VolumeCopy(
      storeid: storage, vmid: vmid, name: name, format: format, snapshot: snapshot, base: base,
      withSnapshots: withSnapshots, bandwidth: bandwidth?.bytes)
  }
}
