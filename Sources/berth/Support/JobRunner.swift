// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// How a command that starts a job goes on.
struct JobOptions: ParsableArguments {
  @Flag(help: "Do not wait: print the job's id and return.")
  var detach = false
}

/// Waits for jobs on behalf of a command.
enum JobRunner {
  /// Shows the job's progress until it ends, or only its id when detached; then prints what it gave.
  static func finish(
    _ job: JobView, client: BerthClient, global: GlobalOptions, detach: Bool, text: (JobView) -> String
  ) async throws(ClientError) {
    guard !detach else {
      if global.json { Output.json(job) } else { Output.line(job.id) }
      return
    }
    let bar = ProgressBar(quiet: global.json)
    let result: Result<JobView, ClientError>
    do { result = .success(try await client.wait(for: job) { bar.show($0) }) } catch { result = .failure(error) }
    bar.clear()
    let done = try result.get()
    if global.json { Output.json(done) } else { Output.line(text(done)) }
  }
}
