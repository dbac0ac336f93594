// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage remove`
struct StorageRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a storage's configuration; its volumes stay where they are.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String
  @Option(help: "Refuse when the configuration has changed since it had this digest.") var digest: String?
  @Flag(help: "Also when its plugin cannot take back what it made: that stays then.") var force = false
  @OptionGroup var job: JobOptions

  func run() async throws {
    try await global.with { client in
      try await JobRunner.run(
        .removeStorage(storage, digest: digest, force: force), client: client, global: global, options: job
      ) { result in
        Failure.warn(result)
        return ""
      }
    }
  }
}
