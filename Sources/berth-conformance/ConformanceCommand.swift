// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The program's commands.
@main
struct ConformanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "berth-conformance", abstract: "Checks whether storage plugins keep the plugin protocol.",
    subcommands: [CheckCommand.self])
}
