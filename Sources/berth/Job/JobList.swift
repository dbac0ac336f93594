// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth job list`
struct JobList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List jobs, the newest first.")

  @OptionGroup var global: GlobalOptions
  @Option(help: "Only jobs on this storage.") var storage: String?
  @Option(help: "Only jobs in this state: queued, running, done, failed, cancelled or interrupted.")
  var state: String?
  @Option(help: "At most this many.") var limit = 50

  func run() async throws {
    let jobs = try await global.with { client in
      try await client.jobs(storeid: storage, state: state, limit: limit)
    }
    if global.json { return Output.json(ListOf(jobs)) }
    var table = Table([
      .init("JOB"), .init("STATE"), .init("PROGRESS", .right), .init("STORAGE"), .init("STARTED"), .init("OWNER"),
      .init("TITLE", flexible: true),
    ])
    for job in jobs {
      table.add([
        job.id, job.state, JobList.progress(job), job.storeid,
        TimeColumn.text((job.started ?? job.created) / 1_000), job.owner, job.title,
      ])
    }
    table.print()
  }

  static func progress(_ job: JobView) -> String {
    if job.state == "done" { return "100%" }
    guard let progress = job.progress, let total = progress.total, total > 0 else { return "-" }
    return "\(Int(Double(progress.done) * 100 / Double(total)))%"
  }
}
