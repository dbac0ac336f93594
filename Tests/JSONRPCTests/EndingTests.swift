// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import JSONRPC
import Synchronization
import TestSupport
import Testing

@Suite("The end of a connection", .timeLimit(.minutes(1)))
struct EndingTests {
  @Test("every pending call fails at once when the other side's output ends")
  func endOfInput() async throws {
    let counter = Counter()
    let script = try ScriptedPeer(handlers: PeerHandlers(closed: { _ in counter.add() }))
    let calls = (0..<50).map { _ in script.call("status") }
    for _ in calls { _ = try await script.hearRequest("status") }
    script.closeInput()
    for call in calls {
      let error = await #expect(throws: RPCError.self) { try await call.value }
      #expect(error?.kind == .closed)
      #expect(error?.mayHaveRun == true)
    }
    #expect(await eventually { counter.value == 1 })
    let error = await #expect(throws: RPCError.self) { try await script.call("status").value }
    #expect(error?.kind == .closed)
    #expect(error?.mayHaveRun == false)
  }

  @Test("the end in the middle of a message is told")
  func endInsideMessage() async throws {
    let script = try ScriptedPeer()
    await script.say("{\"jsonrpc\":\"2.0\",\"id\":1,")
    script.closeInput()
    #expect(await script.peer.waitUntilClosed().message.contains("in the middle of a message"))
  }

  @Test("close fails the pending calls with its reason, and only the first reason counts")
  func close() async throws {
    let script = try ScriptedPeer()
    let call = script.call("status")
    _ = try await script.hearRequest("status")
    script.peer.close(.closed("plugin x: killed by signal 9"))
    script.peer.close(.closed("second"))
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.message == "plugin x: killed by signal 9")
    #expect(await script.peer.waitUntilClosed().message == "plugin x: killed by signal 9")
    #expect(try await script.hear() == nil)
  }

  @Test("finish reads the answers that are already there before it fails the rest")
  func finish() async throws {
    let script = try ScriptedPeer { $0.endGrace = .seconds(600) }
    let calls = (0..<100).map { _ in script.call("status") }
    var ids: [JSON] = []
    for _ in calls { ids.append(try await script.hearRequest("status")) }
    for id in ids.dropLast() { await script.answer(id, .string(String(repeating: "x", count: 300))) }
    script.peer.finish(.closed("plugin x: exited with code 3"))
    var answered = 0
    var failed = 0
    for call in calls {
      switch await call.result {
      case .success: answered += 1
      case .failure(let error as RPCError):
        #expect(error.message == "plugin x: exited with code 3")
        failed += 1
      case .failure(let error): Issue.record(error)
      }
    }
    #expect(answered == 99)
    #expect(failed == 1)
  }

  @Test("the end of input waits its grace for a better reason")
  func endGrace() async throws {
    let script = try ScriptedPeer { $0.endGrace = .seconds(600) }
    let call = script.call("status")
    _ = try await script.hearRequest("status")
    script.closeInput()
    try await Task.sleep(for: .milliseconds(20))
    #expect(script.peer.closeReason == nil)
    script.peer.finish(.closed("plugin x: exited with code 3"))
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.message == "plugin x: exited with code 3")
  }

  @Test("closing our output lets everything sent arrive, then the end")
  func closeOutput() async throws {
    let script = try ScriptedPeer()
    let text = String(repeating: "x", count: 300_000)
    try script.peer.notify("note", ["text": .string(text)])
    script.peer.closeOutput()
    #expect(throws: RPCError.self) { try script.peer.notify("note", [:]) }
    #expect(try await script.hear()?["params"]?["text"]?.stringValue == text)
    #expect(try await script.hear() == nil)
  }

  @Test("an other side that closes its input fails what is sent to it, after its last answers are read")
  func closedInput() async throws {
    let script = try ScriptedPeer()
    let first = script.call("status")
    let id = try await script.hearRequest("status")
    await script.answer(id, "last words")
    script.closeOutput()
    #expect(try await first.value == "last words")
    let error = await #expect(throws: RPCError.self) { try await script.call("status").value }
    #expect(error?.kind == .closed)
    #expect(error?.message.contains("closed its input") == true)
  }

  @Test("shutting the reactor down closes its connections")
  func reactorShutdown() async throws {
    let script = try ScriptedPeer()
    let call = script.call("status")
    _ = try await script.hearRequest("status")
    await script.reactor.shutdown()
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .closed)
    #expect(try await script.hear() == nil)
  }

  @Test("shutting the reactor down also closes connections that have stopped reading")
  func shutdownWhilePaused() async throws {
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { _ throws(RPCError) in
        while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
        return .null
      })
    ) { configuration in
      configuration.maxConcurrentRequests = 1
      configuration.maxQueuedRequests = 1
    }
    for number in 0..<3 { await script.say(["jsonrpc": "2.0", "id": .int(Int64(number)), "method": "m"]) }
    #expect(await eventually { script.peer.counters.readPauses > 0 })
    await script.reactor.shutdown()
    #expect(await script.peer.waitUntilClosed().kind == .closed)
    let error = await #expect(throws: RPCError.self) { try await script.call("status").value }
    #expect(error?.mayHaveRun == false)
  }

  @Test("nothing is delivered after a handler has closed the connection")
  func closeInHandler() async throws {
    let counter = Counter()
    let closer = Closer()
    let script = try ScriptedPeer(
      handlers: PeerHandlers(notification: { _, _ in
        counter.add()
        closer.close()
      }))
    closer.set(script.peer)
    let line = #"{"jsonrpc":"2.0","method":"m"}"# + "\n"
    await script.say(String(repeating: line, count: 100))
    _ = await script.peer.waitUntilClosed()
    await withCheckedContinuation { continuation in script.reactor.execute { continuation.resume() } }
    #expect(counter.value == 1)
  }

  /// Closes a connection that is only known after its handlers.
  private final class Closer: Sendable {
    private let peer = Mutex<Peer?>(nil)
    func set(_ peer: Peer) { self.peer.withLock { $0 = peer } }
    func close() { peer.withLock { $0 }?.close(.closed("enough")) }
  }

  @Test("no descriptor is left open", .disabled(if: isRunningManyTests, "counts this process's descriptors"))
  func leaksNothing() async throws {
    func descriptors() -> Int { (0..<1024).count { fcntl($0, F_GETFD) >= 0 } }
    var before = 0
    for round in 0..<20 {
      let script = try ScriptedPeer()
      let call = script.call("status")
      _ = try await script.hearRequest("status")
      if round % 2 == 0 { script.closeInput() } else { script.peer.close(.closed("done")) }
      _ = await call.result
      await script.reactor.shutdown()
      // The runtime opens descriptors of its own for its first timers.
      if round == 1 { before = descriptors() + Self.descriptorsOfOneRound }
    }
    #expect(await eventually { descriptors() <= before })
  }

  /// What the round that is not torn down yet may still hold: two pipes, an epoll and an event descriptor.
  private static let descriptorsOfOneRound = 6

  /// Other tests open descriptors meanwhile unless this one is run alone.
  static let isRunningManyTests = getenv("BERTH_TEST_ALONE") == nil
}
