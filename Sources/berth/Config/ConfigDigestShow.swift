// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth config digest`
struct ConfigDigestShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "digest", abstract: "Show the digest of the daemon's configuration file.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let digest = try await global.with { client in try await client.configDigest() }
    if global.json { Output.json(digest) } else { Output.line("\(digest.digest)  \(digest.path)") }
  }
}
