// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth storage status`
struct StorageStatus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how storages are: space, plugin, faults.",
    discussion: "Answers with the last sample and its age: a storage that hangs delays nobody. --fresh asks it now.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The storage; all without.") var storage: String?
  @Flag(help: "Ask the storage's plugin now.") var fresh = false

  func validate() throws {
    if fresh && storage == nil { throw ValidationError("--fresh needs a storage") }
  }

  func run() async throws {
    let statuses = try await global.with { client in
      if let storage { return [try await client.status(storage, fresh: fresh)] }
      return try await client.statuses()
    }
    if global.json { return Output.json(ListOf(statuses)) }
    var table = Table([
      .init("STORAGE"), .init("TYPE"), .init("STATE"), .init("TOTAL", .right), .init("USED", .right),
      .init("AVAILABLE", .right), .init("%", .right), .init("AGE", .right), .init("PLUGIN"),
      .init("FAULT", flexible: true),
    ])
    for status in statuses {
      let percent: String? =
        if let total = status.total, let used = status.used, total > 0 {
          String(Int(Double(used) * 100 / Double(total)))
        } else { nil }
      table.add([
        status.storeid, status.type, state(status),
        SizeColumn.text(status.total), SizeColumn.text(status.used), SizeColumn.text(status.available),
        percent ?? "-", TimeColumn.span(status.ageMs), status.process ?? "-", status.error?.detail ?? "",
      ])
    }
    table.print()
  }

  private func state(_ status: StatusView) -> String {
    guard status.enabled else { return "disabled" }
    return status.active ? "active" : status.sampling ? "sampling" : "inactive"
  }
}
