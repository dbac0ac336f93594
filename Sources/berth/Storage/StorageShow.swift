// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage show`
struct StorageShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a storage's configuration; secrets only by name.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage.") var storage: String

  func run() async throws {
    let name = storage
    let storage = try await global.with { client in try await client.storage(name) }
    if global.json { return Output.json(storage) }
    Output.line("storage  \(storage.storeid)")
    Output.line("type     \(storage.type)")
    Output.line("plugin   \(storage.plugin ?? "none is installed for this type")")
    Output.line("state    \(Failure.clean(storage.problem.map { "unusable: \($0)" } ?? "ok"))")
    Output.line("digest   \(storage.digest)")
    for member in storage.properties {
      Output.line("  \(member.key) \(Failure.clean(member.value.stringValue ?? member.value.text()))")
    }
    for secret in storage.secrets { Output.line("  \(secret) (stored as a secret)") }
  }
}
