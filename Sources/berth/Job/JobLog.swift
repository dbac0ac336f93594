// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth job log`
struct JobLog: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "log", abstract: "Show a job's log.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The job's id.") var job: String
  @Flag(help: "Go on until the job ends.") var follow = false

  func run() async throws {
    try await global.with { client in
      var next: Int64 = 0
      while true {
        let finished = try await client.job(job, waitMs: follow && next > 0 ? 500 : nil).isFinished
        let lines = try await client.jobLog(job, from: next)
        for line in lines {
          if global.json {
            Output.write(line.json().bytes() + [UInt8(ascii: "\n")])
          } else {
            Output.line("\(TimeColumn.text(line.time / 1_000))  \(line.level)  \(Failure.clean(line.message))")
          }
        }
        next = max(1, lines.last.map { $0.seq + 1 } ?? next)
        if lines.isEmpty && (finished || !follow) { return }
      }
    }
  }
}
