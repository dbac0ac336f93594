// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth config`
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "The configuration file.",
    subcommands: [ConfigCheck.self, ConfigDigestShow.self, ConfigImportCommand.self])
}
