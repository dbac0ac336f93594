// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth storage`
struct StorageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storage", abstract: "The storages of this host.",
    subcommands: [
      StorageActivate.self, StorageAdd.self, StorageDeactivate.self, StorageList.self, StorageRemove.self,
      StorageSet.self, StorageShow.self, StorageStatus.self,
    ])
}
