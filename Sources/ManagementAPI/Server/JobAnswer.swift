// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import Jobs
internal import ManagementTypes
internal import StorageHost

/// Answers requests for changes: each runs as a job, and the request waits for it as long as it says.
///
/// `?wait=SECONDS` waits so long at most, 0 not at all; without it the answer comes when the job has ended. A job that
/// goes on is answered with 202 and itself. A client that goes away leaves the job running.
struct JobAnswer: Sendable {
  let host: StorageHost

  /// Seconds one request may wait at most when it says how long.
  static let longestWait: Int64 = 3_600

  /// Begins the operation and answers with its result, or with the job.
  /// - Parameters:
  ///   - status: of an answer with a result; one without has 204.
  ///   - lent: the descriptor the operation uses: it stays open until the job has ended, and the job ends when its
  ///     owner takes it back.
  func answer(
    _ request: Request, _ context: APIContext, _ operation: HostOperation, status: HTTPResponse.Status = .ok,
    lent: LentDescriptor? = nil
  ) async throws -> Response {
    let wait = try request.query("wait", in: 0...Self.longestWait)
    let caller = try Caller(request, context)
    var job = try await host.start(operation, caller)
    if let lent, !job.isRepeated { tie(lent, to: job, caller) }
    if wait != 0 { job = try await host.waitJob(job.id, timeout: wait.map { .seconds($0) }) }
    guard wait != 0, job.state.isFinal else {
      var response = Response.json(JobView(job), status: .accepted)
      response.headers[.location] = APIPath("jobs", job.id.rawValue).description
      return response.naming(job)
    }
    do {
      let result = try job.outcome()
      return (result.isNull ? Response.done : Response.json(result, status: status)).naming(job)
    } catch {
      var problem = Problem(error)
      problem.data["job"] = .string(job.id.rawValue)
      throw problem
    }
  }

  /// Tasks of their own: the request may be answered long before the job ends.
  private func tie(_ lent: LentDescriptor, to job: Job, _ caller: Caller) {
    lent.whenTakenBack { [host] in Task { _ = try? await host.cancelJob(job.id, caller) } }
    Task { [host] in
      _ = try? await host.waitJob(job.id)
      withExtendedLifetime(lent) {}
    }
  }
}

extension Response {
  /// The same with the job that did the work in its header.
  func naming(_ job: Job) -> Response {
    guard let name = HTTPField.Name(HeaderName.job) else { return self }
    var response = self
    response.headers[name] = job.id.rawValue
    return response
  }
}
