// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import Synchronization
import TestSupport
import Testing

/// Calls that wait for their answers in their own thread must behave as those that suspend do.
@Suite("Calls that wait for themselves", .timeLimit(.minutes(2)), .serialized)
struct WaitingTests {
  static let ways: [Duration] = [.zero, .milliseconds(4)]

  @Test("thousands of calls, one after the other, are each answered once", arguments: ways)
  func oneAfterTheOther(way: Duration) async throws {
    let pair = try PeerPair(right: PeerTests.echo) { left, _ in left.answerPolling = way }
    for number in 0..<3000 {
      let params: JSON = ["n": .int(Int64(number))]
      #expect(try await pair.left.call("echo", params, timeout: .seconds(60)) == params)
    }
    #expect(pair.left.callsInFlight == 0)
    #expect(pair.left.counters.unknownAnswers + pair.left.counters.duplicateAnswers == 0)
    pair.left.close(.closed("the test is over"))
  }

  @Test("callers at once and callers alone in turns lose no answer", arguments: ways)
  func inTurns(way: Duration) async throws {
    let pair = try PeerPair(right: PeerTests.echo) { left, right in
      left.answerPolling = way
      right.answerPolling = way
    }
    for round in 0..<100 {
      for _ in 0..<5 { _ = try await pair.left.call("echo", ["round": .int(Int64(round))], timeout: .seconds(60)) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<(round % 7) {
          group.addTask {
            let params: JSON = ["n": .int(Int64(number))]
            let answer = try await pair.left.call("echo", params, timeout: .seconds(60))
            #expect(answer == params)
          }
        }
        try await group.waitForAll()
      }
    }
    #expect(pair.left.callsInFlight == 0)
    pair.left.close(.closed("the test is over"))
  }

  @Test("what nobody asked for is read soon after quick calls have stopped")
  func unsolicited() async throws {
    let noted = Counter()
    let script = try ScriptedPeer(handlers: PeerHandlers(notification: { _, _ in noted.add() }))
    for _ in 0..<50 { try await quickCall(script) }
    await script.say(["jsonrpc": "2.0", "method": "host.log", "params": [:]])
    #expect(await eventually { noted.value == 1 })
  }

  @Test("a call after quick ones still meets its deadline, its cancellation and the end of the other side")
  func notQuick() async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .milliseconds(50) }
    for _ in 0..<50 { try await quickCall(script) }
    let late = await #expect(throws: RPCError.self) {
      try await script.call("status", timeout: .milliseconds(50)).value
    }
    #expect(late?.kind == .timeout)
    for _ in 0..<50 { try await quickCall(script) }
    let cancelled = script.call("status")
    cancelled.cancel()
    let error = await #expect(throws: RPCError.self) { try await cancelled.value }
    #expect(error?.kind == .cancelled)
    for _ in 0..<50 { try await quickCall(script) }
    let orphan = script.call("status")
    script.closeInput()
    let gone = await #expect(throws: RPCError.self) { try await orphan.value }
    #expect(gone?.kind == .closed)
    #expect(script.peer.callsInFlight == 0)
  }

  @Test("closing in the middle of a quick call settles it")
  func closing() async throws {
    let script = try ScriptedPeer()
    for _ in 0..<50 { try await quickCall(script) }
    let call = script.call("status")
    script.peer.close(.closed("enough"))
    await #expect(throws: RPCError.self) { try await call.value }
    #expect(script.peer.callsInFlight == 0)
  }

  /// A call answered at once. Lines of calls given up before are passed over.
  private func quickCall(_ script: ScriptedPeer) async throws {
    let call = script.call("quick")
    while let message = try await script.hear() {
      guard message["method"] == "quick", let id = message["id"] else { continue }
      await script.say(["jsonrpc": "2.0", "id": id, "result": [:]])
      break
    }
    _ = try await call.value
  }
}
