// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import Logging
internal import ManagementTypes
internal import StorageProtocol

/// Turns whatever a route throws into `application/problem+json`.
struct ProblemMiddleware: RouterMiddleware {
  @concurrent func handle(
    _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      var problem = Self.problem(error, request)
      if problem.place.isEmpty { problem.place = Self.place(context) }
      if problem.status >= 500 {
        context.logger.error(
          "request failed",
          metadata: [
            "method": "\(request.method)", "path": "\(request.uri.path)", "symbol": "\(problem.symbol)",
            "detail": "\(problem.detail)", "actor": "\(context.actor)",
          ])
      }
      return Self.response(problem)
    }
  }

  /// What the path names: a volume, a storage, a job.
  private static func place(_ context: APIContext) -> String {
    let names = ["volid", "storeid", "plugin", "job", "transfer"]
    return names.lazy.compactMap { context.parameters.get($0).flatMap { APIPath.decode($0) } }.first ?? ""
  }

  static func problem(_ error: any Error, _ request: Request) -> Problem {
    switch error {
    case let problem as Problem: return problem
    case let error as StorageError: return Problem(error)
    case let error as JSONError: return Problem(error)
    case let error as HTTPError where error.status == .notFound:
      return Problem(
        status: 404, symbol: "NO_SUCH_ROUTE", detail: "there is no \(request.method) \(request.uri.path)",
        hint: "docs/api.md lists the routes; a volume id is one path segment, its slashes written %2F")
    case let error as any HTTPResponseError:
      return Problem(
        status: error.status.code, symbol: "BAD_REQUEST", detail: "the request is not understood: \(error.status)")
    case is CancellationError:
      return Problem(
        status: 503, symbol: "CANCELLED", detail: "the request was cancelled", outcome: "unknown",
        hint: "the daemon may be stopping; look with `berth job list` before asking again")
    default: return Problem.describing(error)
    }
  }

  static func response(_ problem: Problem) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = Problem.mediaType
    if let after = problem.retryAfterMs { headers[.retryAfter] = String((after + 999) / 1000) }
    return Response(
      status: HTTPResponse.Status(code: problem.status), headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: problem.json().bytes() + [UInt8(ascii: "\n")])))
  }
}
