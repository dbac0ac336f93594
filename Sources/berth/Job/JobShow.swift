// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth job show`
struct JobShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a job.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The job's id.") var job: String

  func run() async throws {
    let id = job
    let job = try await global.with { client in try await client.job(id) }
    if global.json { return Output.json(job) }
    Output.line("job       \(job.id)")
    Output.line("title     \(Failure.clean(job.title))")
    Output.line("state     \(job.state)\(job.cancelling && !job.isFinished ? " (cancelling)" : "")")
    Output.line("progress  \(JobList.progress(job))")
    Output.line("storage   \(job.storeid)")
    Output.line("owner     \(job.owner)")
    Output.line("created   \(TimeColumn.text(job.created / 1_000))")
    Output.line("started   \(TimeColumn.text(job.started.map { $0 / 1_000 }))")
    Output.line("finished  \(TimeColumn.text(job.finished.map { $0 / 1_000 }))")
    if let result = job.result { Output.line("result    \(Failure.clean(result.text()))") }
    if let error = job.error { Output.line("error     \(Failure.clean(error.detail)) [\(error.symbol)]") }
  }
}
