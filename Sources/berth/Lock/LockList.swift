// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth lock list`
struct LockList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the locks that are held, by whom, and who waits.")

  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let locks = try await global.with { client in try await client.locks() }
    if global.json { return Output.json(ListOf(locks)) }
    var table = Table([
      .init("LOCK", flexible: true), .init("HOLDER", flexible: true), .init("TOKEN", .right), .init("HELD", .right),
      .init("LEFT", .right), .init("WAITING", .right),
    ])
    for lock in locks {
      table.add([
        lock.name, lock.holder, String(lock.token), TimeColumn.span(lock.heldMs), TimeColumn.span(lock.remainingMs),
        String(lock.waiters.count),
      ])
    }
    table.print()
  }
}
