// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What a connection tells its owner and asks of it.
///
/// All but `request` run on the thread that reads, which is the I/O thread of every connection or a call's own: they
/// must not block. They run one at a time, and order among them is the order on the wire.
public struct PeerHandlers: Sendable {
  /// Answers an incoming request, in a task of its own; the task is cancelled when the other side cancels the request.
  public var request: @Sendable (IncomingRequest) async throws(RPCError) -> JSON
  /// Takes an incoming notification.
  public var notification: @Sendable (_ method: String, _ params: JSON) -> Void
  /// A line that was no message: quoted, bounded and escaped, with what is wrong with it.
  public var strayLine: @Sendable (_ quoted: String) -> Void
  /// The connection is over and every pending call is settled; called once. Told on whatever thread closed it.
  public var closed: @Sendable (_ reason: RPCError) -> Void

  public init(
    request: @escaping @Sendable (IncomingRequest) async throws(RPCError) -> JSON = { request throws(RPCError) in
      throw .methodNotFound(request.method)
    },
    notification: @escaping @Sendable (_ method: String, _ params: JSON) -> Void = { _, _ in },
    strayLine: @escaping @Sendable (_ quoted: String) -> Void = { _ in },
    closed: @escaping @Sendable (_ reason: RPCError) -> Void = { _ in }
  ) {
    self.request = request
    self.notification = notification
    self.strayLine = strayLine
    self.closed = closed
  }
}
