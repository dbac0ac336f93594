// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth snapshot`
struct SnapshotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Snapshots of volumes.",
    subcommands: [
      SnapshotCreate.self, SnapshotDelete.self, SnapshotList.self, SnapshotRename.self, SnapshotRollback.self,
    ])
}
