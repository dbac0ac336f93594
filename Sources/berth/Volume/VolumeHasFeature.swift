// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth volume has-feature`
struct VolumeHasFeature: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "has-feature", abstract: "Tell whether a volume can do something.",
    discussion: "Prints yes or no; the exit code is 1 for no.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The volume's id.") var volume: String
  @Argument(help: "clone, copy, snapshot, template, rename, sparseinit or replicate.") var feature: String
  @Option(help: "This snapshot of it.") var snapshot: String?

  func run() async throws {
    let answer = try await global.with { client in
      try await client.hasFeature(volume, feature, snapshot: snapshot)
    }
    if global.json { Output.json(answer) } else { Output.line(answer.supported ? "yes" : "no") }
    if !answer.supported { throw ExitCode(ExitStatus.failed.rawValue) }
  }
}
