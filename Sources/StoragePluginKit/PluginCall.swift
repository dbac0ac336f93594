// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
public import StorageProtocol

/// One request being served: its context, its progress, and the host's services.
public struct PluginCall: Sendable {
  /// What the host said about the request.
  public let context: CallContext
  /// Services of the host, called on behalf of this request.
  public let host: HostServices
  /// When the time given is over; nil when the host set none.
  public let deadline: ContinuousClock.Instant?
  private let request: IncomingRequest

  init(request: IncomingRequest, context: CallContext, peer: Peer) {
    self.request = request
    self.context = context
    host = HostServices(peer: peer, parent: request.id, timeout: context.timeout ?? .seconds(60))
    deadline = context.timeout.map { ContinuousClock.now + $0 }
  }

  /// The method's name.
  public var method: String { request.method }

  /// Shows how far the work is, when the host asked for it. Reports that go back or come too often are not sent.
  public func report(done: Int64, total: Int64? = nil, unit: String? = nil, phase: String? = nil) {
    guard context.progress == true else { return heartbeat() }
    request.report(ProgressReport(done: done, total: total, unit: unit, phase: phase))
  }

  /// Shows that the work goes on; long-running methods owe a sign every 15 s.
  public func heartbeat() { request.heartbeat() }

  /// Does the work with a heartbeat every ten seconds.
  public func beating<Value: Sendable>(
    _ work: @Sendable @escaping () async throws -> Value
  ) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await work() }
      group.addTask { [request] in
        while !Task.isCancelled {
          try? await Task.sleep(for: .seconds(10))
          request.heartbeat()
        }
        return nil
      }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
  }

  /// Runs code that may block (files, child processes) on a thread of its own.
  public func blocking<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await BlockingThread.run(body)
  }
}
