// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage list`
struct StorageList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the configured storages.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let storages = try await global.with { client in try await client.storages() }
    if global.json { return Output.json(ListOf(storages)) }
    var table = Table([
      .init("STORAGE"), .init("TYPE"), .init("CONTENT", flexible: true), .init("ENABLED"), .init("SHARED"),
      .init("STATE", flexible: true),
    ])
    for storage in storages {
      table.add([
        storage.storeid, storage.type, storage.content.joined(separator: ","), storage.enabled ? "yes" : "no",
        storage.shared ? "yes" : "no", storage.problem.map { "unusable: \($0)" } ?? "ok",
      ])
    }
    table.print()
  }
}
