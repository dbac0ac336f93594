// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth snapshot list`
struct SnapshotList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List a volume's snapshots.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String

  func run() async throws {
    let snapshots = try await global.with { client in try await client.snapshots(volume) }
    if global.json { return Output.json(ListOf(snapshots)) }
    var table = Table([.init("SNAPSHOT"), .init("MADE"), .init("SIZE", .right), .init("PARENT"), .init("ID")])
    for snapshot in snapshots {
      table.add([
        snapshot.name, TimeColumn.text(snapshot.details["timestamp"]?.intValue),
        SizeColumn.text(snapshot.details["virtualSize"]?.intValue ?? snapshot.details["size"]?.intValue),
        snapshot.details["parent"]?.stringValue ?? "-", snapshot.details["id"]?.stringValue ?? "-",
      ])
    }
    table.print()
  }
}
