// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import Jobs
internal import ManagementTypes
internal import StorageHost

/// `/jobs`
struct JobRoutes {
  let host: StorageHost

  /// The longest one request waits for a job: a connection that says nothing for longer looks dead.
  static let longestWaitMs: Int64 = 30_000

  func add(to router: RouterGroup<APIContext>) {
    router.get("jobs") { request, _ in
      try request.onlyQuery(["storeid", "state", "owner", "before", "limit"])
      var filter = JobStore.Filter(storeid: request.query("storeid"), owner: request.query("owner"))
      if let state = request.query("state") {
        guard let known = Job.State(rawValue: state) else {
          throw Problem.query("state", "one of \(Job.State.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        filter.state = known
      }
      let jobs = try await host.jobs(
        filter, before: request.query("before").map { OperationID(rawValue: $0) },
        limit: Int(request.query("limit", in: 1...1_000) ?? 100))
      return Response.json(ListOf(jobs.map { JobView($0) }))
    }
    router.get("jobs/:job") { request, context in
      try request.onlyQuery(["waitMs"])
      let id = OperationID(rawValue: try context.parameter("job"))
      guard let wait = try request.query("waitMs", in: 0...Self.longestWaitMs) else {
        return Response.json(JobView(try await host.job(id)))
      }
      return Response.json(JobView(try await host.waitJob(id, timeout: .milliseconds(wait))))
    }
    router.post("jobs/:job/cancel") { request, context in
      try request.onlyQuery([])
      let id = OperationID(rawValue: try context.parameter("job"))
      return Response.json(JobView(try await host.cancelJob(id, Caller(request, context))), status: .accepted)
    }
    router.get("jobs/:job/log") { request, context in
      try request.onlyQuery(["from"])
      let id = OperationID(rawValue: try context.parameter("job"))
      let lines = try await host.jobLog(id, from: request.query("from", in: 0...Int64.max) ?? 0)
      return Response.json(ListOf(lines.map { JobLogView($0) }))
    }
  }
}
