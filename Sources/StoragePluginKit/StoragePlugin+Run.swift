// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import JSONRPC
internal import StorageProtocol

extension StoragePlugin {
  /// Serves the host on standard input and output until it is gone, then ends the process.
  ///
  /// Standard output is moved away first and points to standard error from then on; standard input points to nothing.
  public func run() async -> Never {
    let channel: StandardChannel
    do throws(StreamError) {
      channel = try StandardChannel.takeOver()
    } catch {
      StandardChannel.complain("cannot take over standard input and output: \(error)")
      exit(70)
    }
    do throws(ReactorError) {
      let reactor = try Reactor(name: "plugin-io")
      let reason = try await serve(reading: channel.reading, writing: channel.writing, reactor: reactor)
      if reason.kind == .violation {
        StandardChannel.complain("the host broke the protocol: \(reason)")
        exit(76)
      }
    } catch {
      StandardChannel.complain("cannot serve: \(error)")
      exit(70)
    }
    exit(0)
  }

  /// Serves a host over two descriptors, which are closed at the end; returns why the connection ended.
  public func serve(reading: Int32, writing: Int32, reactor: Reactor) async throws(ReactorError) -> RPCError {
    let session = PluginSession(self)
    var configuration = PeerConfiguration()
    configuration.name = "host"
    configuration.endsAtViolations = false
    // Whoever says serial gets one request at a time; `initialize` and `shutdown` wait their turn like the others.
    configuration.maxConcurrentRequests = facts.concurrency == .serial ? 1 : 64
    let gate = SessionGate()
    let handlers = PeerHandlers(
      request: { request throws(RPCError) in
        await gate.wait()
        return try await session.serve(request)
      })
    let peer = try Peer(
      reading: reading, writing: writing, reactor: reactor, configuration: configuration, handlers: handlers)
    session.attach(peer)
    gate.open()
    return await peer.waitUntilClosed()
  }
}
