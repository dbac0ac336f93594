// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume list`
struct VolumeList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the volumes of a storage.",
    discussion: "With --json one volume a line, as they come: a long listing is held nowhere.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Option(help: "Only the volumes of this guest.") var vmid: Int?
  @Option(help: "Only this content: images, rootdir, iso, vztmpl, backup, snippets or import.") var content: String?

  func run() async throws {
    var table = Table([
      .init("VOLUME"), .init("FORMAT"), .init("CONTENT"), .init("SIZE", .right), .init("USED", .right),
      .init("VMID", .right), .init("NOTES", flexible: true),
    ])
    try await global.with { client in
      try await client.eachVolume(storage, vmid: vmid, content: content) { volume in
        if global.json {
          Output.write(volume.json().bytes() + [UInt8(ascii: "\n")])
        } else {
          table.add([
            volume.volid, volume.format ?? "-", volume.content ?? "-", SizeColumn.text(volume.size),
            SizeColumn.text(volume.used), volume.vmid.map(String.init) ?? "-",
            (volume.protected == true ? "(protected) " : "") + (volume.notes ?? ""),
          ])
        }
      }
    }
    if !global.json { table.print() }
  }
}
