// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import Synchronization
import TestSupport
import Testing

@Suite("More than a side can take", .timeLimit(.minutes(2)))
struct PressureTests {
  @Test("calls to a side that does not read fail as overloaded once the bound is reached, and never block")
  func outboundBound() async throws {
    let script = try ScriptedPeer { $0.maxOutgoingBytes = 200_000 }
    let params: JSON = ["text": .string(String(repeating: "x", count: 10_000))]
    var accepted = 0
    while accepted < 1000, (try? script.peer.notify("note", params)) != nil { accepted += 1 }
    #expect((20...100).contains(accepted))
    let error = await #expect(throws: RPCError.self) { try await script.call("status", params).value }
    #expect(error?.code == .overloaded)
    #expect(error?.mayHaveRun == false)
    #expect(error?.data?["outcome"] == "not_started")
    // Once it reads again everything accepted arrives whole, and calls get through.
    for _ in 0..<accepted { #expect(try await script.hear()?["params"] == params) }
    let call = script.call("status")
    await script.answer(try await script.hearRequest("status"), "here again")
    #expect(try await call.value == "here again")
  }

  @Test("a flood of requests is worked on with bounded concurrency and stops being read beyond the queue")
  func inboundBound() async throws {
    let gate = Gate()
    let running = Counter()
    let most = Mutex(0)
    let handlers = PeerHandlers(request: { _ throws(RPCError) in
      running.add()
      most.withLock { $0 = max($0, running.value) }
      await gate.wait()
      running.add(-1)
      return .null
    })
    let script = try ScriptedPeer(handlers: handlers) { configuration in
      configuration.maxConcurrentRequests = 4
      configuration.maxQueuedRequests = 8
    }
    let padding = String(repeating: "x", count: 2000)
    let flood = Task {
      for number in 0..<500 {
        await script.say([
          "jsonrpc": "2.0", "id": .int(Int64(number)), "method": "m", "params": ["p": .string(padding)],
        ])
      }
    }
    #expect(await eventually { script.peer.counters.readPauses > 0 })
    #expect(await eventually { running.value == 4 })
    #expect(script.peer.counters.received < 100)
    gate.open()
    var answered: Set<Int64> = []
    while answered.count < 500, let answer = try await script.hear() {
      answered.insert(answer["id"]?.intValue ?? -1)
    }
    await flood.value
    #expect(answered.count == 500)
    #expect(most.withLock { $0 } <= 4)
    #expect(script.peer.counters.refusedRequests == 0)
  }

  @Test("answers to our own calls are read although requests wait for those answers")
  func noDeadlock() async throws {
    let (peers, continuation) = AsyncStream<Peer>.makeStream()
    let handlers = PeerHandlers(request: { _ throws(RPCError) in
      for await peer in peers { return try await peer.call("host.config.read", [:], timeout: .seconds(60)) }
      return .null
    })
    let script = try ScriptedPeer(handlers: handlers) { configuration in
      configuration.maxConcurrentRequests = 1
      configuration.maxQueuedRequests = 1
    }
    for number in 0..<10 { await script.say(["jsonrpc": "2.0", "id": .int(Int64(number)), "method": "m"]) }
    #expect(await eventually { script.peer.counters.readPauses > 0 })
    continuation.yield(script.peer)
    let id = try await script.hearRequest("host.config.read")
    await script.answer(id, "here")
    continuation.finish()
    var results: [JSON] = []
    while results.count < 10, let answer = try await script.hear() { results.append(answer["result"] ?? .null) }
    #expect(results.filter { $0 == "here" }.count == 1)
  }

  @Test("a side that floods requests and never reads the answers stops being read")
  func answersNotRead() async throws {
    let script = try ScriptedPeer(handlers: PeerTests.echo) { $0.maxOutgoingBytes = 100_000 }
    let padding = String(repeating: "x", count: 5000)
    let flood = Task {
      for number in 0..<200 {
        await script.say(
          ["jsonrpc": "2.0", "id": .int(Int64(number)), "method": "echo", "params": ["p": .string(padding)]])
      }
    }
    #expect(await eventually { script.peer.counters.readPauses > 0 })
    #expect(script.peer.counters.received < 150)
    var heard = 0
    while heard < 200, try await script.hear() != nil { heard += 1 }
    await flood.value
    #expect(heard == 200)
  }

  @Test("large messages are decoded elsewhere and keep their place among small ones")
  func order() async throws {
    let seen = Mutex<[Int64]>([])
    let script = try ScriptedPeer(
      handlers: PeerHandlers(notification: { _, params in
        seen.withLock { $0.append(params["number"]?.intValue ?? -1) }
      }))
    for number in 0..<60 {
      let size = number % 7 == 0 ? 200_000 : number % 3 == 0 ? 17_000 : 10
      let params: JSON = ["number": .int(Int64(number)), "text": .string(String(repeating: "x", count: size))]
      await script.say(["jsonrpc": "2.0", "method": "host.log", "params": params])
    }
    #expect(await eventually { seen.withLock { $0.count } == 60 })
    #expect(seen.withLock { $0 } == Array(0..<60))
  }

  @Test("an answer over the other side's limit becomes an error of that name")
  func answerTooLarge() async throws {
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { _ in .string(String(repeating: "x", count: 2000)) })
    ) { $0.maxOutgoingMessageBytes = 1000 }
    await script.say(["jsonrpc": "2.0", "id": 1, "method": "m"])
    let answer = try await script.hear()
    #expect(answer?["error"]?["code"]?.intValue == 1005)
    let error = await #expect(throws: RPCError.self) {
      try await script.peer.call("m", ["t": .string(String(repeating: "x", count: 2000))], timeout: .seconds(1))
    }
    #expect(error?.code == .messageTooLarge)
    #expect(error?.mayHaveRun == false)
  }
}

/// Where handlers wait until the test lets them on.
final class Gate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
