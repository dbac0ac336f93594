// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

extension BerthClient {
  /// Jobs, the newest first.
  public func jobs(
    storeid: String? = nil, state: String? = nil, limit: Int? = nil
  ) async throws(ClientError) -> [JobView] {
    try await send(
      .get,
      APIPath("jobs").query("storeid", storeid).query("state", state).query("limit", limit.map(Int64.init)),
      as: ListOf<JobView>.self
    ).items
  }

  /// One job. With `waitMs` the answer comes when the job has ended or that time has passed, whichever is first.
  public func job(_ id: String, waitMs: Int64? = nil) async throws(ClientError) -> JobView {
    try await send(.get, APIPath("jobs", id).query("waitMs", waitMs))
  }

  /// Asks a job to stop; it ends as if never begun where that is possible.
  public func cancelJob(_ id: String) async throws(ClientError) -> JobView {
    try await send(.post, APIPath("jobs", id, "cancel"))
  }

  /// A job's log from a line on.
  public func jobLog(_ id: String, from: Int64 = 0) async throws(ClientError) -> [JobLogView] {
    try await send(.get, APIPath("jobs", id, "log").query("from", from), as: ListOf<JobLogView>.self).items
  }

  /// Waits for a job's end and reports on the way.
  /// - Parameters:
  ///   - pollMs: how often the report is called at least.
  /// - Throws: the job's own problem when it failed.
  public func wait(
    for job: JobView, pollMs: Int64 = 250, report: (JobView) -> Void = { _ in }
  ) async throws(ClientError) -> JobView {
    var job = job
    while !job.isFinished {
      report(job)
      // Nothing runs that could be waited for: reconciling looks again from time to time.
      if job.state == "interrupted" { try? await Task.sleep(for: .seconds(1)) }
      job = try await self.job(job.id, waitMs: pollMs)
    }
    report(job)
    if job.state == "cancelled" {
      throw ClientError(
        Problem(
          status: 409, symbol: "CANCELLED", detail: job.error?.detail ?? "the job was cancelled", place: job.id,
          outcome: job.error?.outcome ?? "unknown", hint: job.error?.hint ?? ""))
    }
    if let problem = job.error { throw ClientError(problem) }
    return job
  }
}
