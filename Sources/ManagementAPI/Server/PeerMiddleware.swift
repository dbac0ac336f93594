// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import ManagementTypes

/// Lets only those use the API whom the policy names.
struct PeerMiddleware: RouterMiddleware {
  let policy: PeerPolicy
  /// How a connection's peer is found; tests that have no socket bring their own.
  let identify: @Sendable (APIContext) async -> Peer?

  @concurrent func handle(
    _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    guard let peer = await identify(context) else {
      throw Problem(
        status: 403, symbol: "FORBIDDEN", detail: "the kernel does not say who you are",
        hint: "connect through berthd's Unix socket")
    }
    guard policy.allows(peer) else {
      throw Problem(
        status: 403, symbol: "FORBIDDEN", detail: "user \(peer.uid) may not use berthd", place: "uid \(peer.uid)",
        hint: "run this as root, or have the user added to the group \(policy.group) and log in again")
    }
    var context = context
    context.peer = peer
    return try await next(request, context)
  }
}
