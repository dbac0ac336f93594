// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import JSON
internal import StorageRules

/// `berth volume next-name`: answers without a daemon.
struct VolumeNextName: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "next-name", abstract: "Show the name a new disk would get; needs no daemon.")

  @Argument(help: "The number of the guest that will own it.") var vmid: Int
  @Argument(help: "The volume names that exist, without `storage:`.") var existing: [String] = []
  @Option(help: "The grammar: directory, lvm, lvmthin, zfspool or rbd.") var grammar = "directory"
  @Option(help: "Its format.") var format = "raw"
  @Flag(help: "Print JSON for programs.") var json = false

  func validate() throws {
    guard VolumeGrammar(named: grammar) != nil else { throw ValidationError("there is no grammar '\(grammar)'") }
  }

  func run() throws {
    guard let grammar = VolumeGrammar(named: grammar) else { return }
    let name = try DiskNames(grammar).nextFree(vmid: vmid, format: VolumeFormat(format), existing: existing)
    if json { Output.json(["name": .string(name)] as JSON) } else { Output.line(name) }
  }
}
