// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `berth plugin`
struct PluginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "The storage plugins this host has.",
    subcommands: [
      PluginLearn.self, PluginList.self, PluginPermissions.self, PluginRelease.self, PluginRescan.self, PluginShow.self,
    ])
}
