// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth prune`
struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Retention of backups.",
    discussion: "`berth prune STORAGE` is short for `berth prune run STORAGE`.",
    subcommands: [PruneRun.self, PruneSimulate.self], defaultSubcommand: PruneRun.self)
}
