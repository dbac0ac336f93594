// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import TestSupport
import Testing

@Suite("Answers that are wrong, late or missing", .timeLimit(.minutes(1)))
struct AnswerTests {
  @Test("an answer to nobody is counted and ignored")
  func unknownAnswer() async throws {
    let script = try ScriptedPeer()
    await script.answer(77, 1)
    await script.answer("x", 1)
    #expect(await eventually { script.peer.counters.unknownAnswers == 2 })
    #expect(script.peer.closeReason == nil)
  }

  @Test("a second answer is counted and ignored")
  func duplicateAnswer() async throws {
    let script = try ScriptedPeer()
    let call = script.call("status", timeout: .seconds(30))
    let id = try await script.hearRequest("status")
    await script.answer(id, "first")
    await script.answer(id, "second")
    #expect(try await call.value == "first")
    #expect(await eventually { script.peer.counters.duplicateAnswers == 1 })
  }

  @Test("a call without an answer ends after its deadline and the grace, and its late answer is counted")
  func timeout() async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .milliseconds(50) }
    let call = script.call("alloc_image", timeout: .milliseconds(20))
    let id = try await script.hearRequest("alloc_image")
    let cancel = try await script.hear()
    #expect(cancel?["method"] == "$/cancel")
    #expect(cancel?["params"]?["id"] == id)
    #expect(cancel?["params"]?["reason"] == "timeout")
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .timeout)
    #expect(error?.code == .deadlineExceeded)
    #expect(error?.mayHaveRun == true)
    #expect(error?.data?["outcome"] == "unknown")
    await script.answer(id, 1)
    #expect(await eventually { script.peer.counters.lateAnswers == 1 })
  }

  @Test("an answer within the grace counts, result or error", arguments: [true, false])
  func answerWithinGrace(succeeds: Bool) async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .seconds(60) }
    let call = script.call("alloc_image", timeout: .milliseconds(1))
    let id = try await script.hearRequest("alloc_image")
    _ = try await script.hear()
    if succeeds {
      await script.answer(id, "done after all")
      #expect(try await call.value == "done after all")
    } else {
      await script.refuse(id, ["code": 1007, "message": "cancelled", "data": ["outcome": "rolled_back"]])
      let error = await #expect(throws: RPCError.self) { try await call.value }
      #expect(error?.kind == .timeout)
      #expect(error?.data?["outcome"] == "rolled_back")
    }
  }

  @Test("cancelling the task tells the other side and waits for its answer")
  func cancelTask() async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .seconds(60) }
    let call = script.call("clone_image")
    let id = try await script.hearRequest("clone_image")
    call.cancel()
    let cancel = try await script.hear()
    #expect(cancel?["method"] == "$/cancel")
    #expect(cancel?["params"] == ["id": id, "reason": "cancelled"])
    #expect(script.peer.callsInFlight == 1)
    await script.refuse(id, ["code": 1007, "message": "cancelled"])
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .cancelled)
  }

  @Test("cancelling a task whose call gets no answer ends it after the grace with an unknown outcome")
  func cancelWithoutAnswer() async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .milliseconds(30) }
    let call = script.call("clone_image")
    _ = try await script.hear()
    call.cancel()
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .cancelled)
    #expect(error?.mayHaveRun == true)
    #expect(script.peer.callsInFlight == 0)
  }

  @Test("a request never follows its own cancel")
  func cancelNeverOvertakes() async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .milliseconds(1) }
    for number in 0..<200 {
      let call = script.call("status")
      if number % 2 == 0 { await Task.yield() }
      call.cancel()
      _ = await call.result
    }
    let last = script.call("last")
    var requested: Set<JSON> = []
    while let message = try await script.hear(), message["method"] != "last" {
      if message["method"] == "$/cancel" {
        #expect(requested.contains(message["params"]?["id"] ?? .null))
      } else {
        requested.insert(message["id"] ?? .null)
      }
    }
    last.cancel()
  }

  @Test("a call of a task that is cancelled already is not sent")
  func cancelledBefore() async throws {
    let script = try ScriptedPeer()
    let call = Task { [peer = script.peer] in
      while !Task.isCancelled { await Task.yield() }
      return try await peer.call("alloc_image", [:], timeout: .seconds(60))
    }
    call.cancel()
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .cancelled)
    #expect(error?.mayHaveRun == false)
    #expect(script.peer.counters.sent == 0)
  }

  @Test("a call that shows no sign of life for too long counts as hung, one that does goes on")
  func silence() async throws {
    let script = try ScriptedPeer { $0.cancelGrace = .milliseconds(20) }
    let error = await #expect(throws: RPCError.self) {
      try await script.peer.call("clone_image", [:], timeout: .seconds(60), silence: .milliseconds(50))
    }
    #expect(error?.kind == .timeout)
  }

  @Test("progress is passed on in order, never back, and stops with the answer")
  func progress() async throws {
    let script = try ScriptedPeer()
    let (seen, continuation) = AsyncStream<CallProgress>.makeStream()
    let call = script.call("clone_image", timeout: .seconds(30)) { _ = continuation.yield($0) }
    let id = try await script.hearRequest("clone_image").intValue ?? 0
    func report(_ sequence: Int, _ done: Int) -> String {
      #"{"jsonrpc":"2.0","method":"$/progress","params":{"id":\#(id),"seq":\#(sequence),"done":\#(done),"total":10}}"#
        + "\n"
    }
    await script.say(report(1, 3) + report(2, 2) + report(1, 4) + report(3, 9))
    await script.say(#"{"jsonrpc":"2.0","method":"$/heartbeat","params":{"id":\#(id)}}"# + "\n")
    await script.say(#"{"jsonrpc":"2.0","method":"$/heartbeat","params":{"id":12345}}"# + "\n")
    await script.say(#"{"jsonrpc":"2.0","id":\#(id),"result":null}"# + "\n")
    #expect(try await call.value == .null)
    continuation.finish()
    var events: [CallProgress] = []
    for await event in seen { events.append(event) }
    #expect(
      events == [.report(ProgressReport(done: 3, total: 10)), .report(ProgressReport(done: 9, total: 10)), .heartbeat])
    #expect(script.peer.counters.ignoredProgress == 3)
  }

  @Test("progress more often than five times a second is held back")
  func progressRate() async throws {
    let script = try ScriptedPeer()
    let (seen, continuation) = AsyncStream<CallProgress>.makeStream()
    let call = script.call("clone_image", timeout: .seconds(30)) { _ = continuation.yield($0) }
    let id = try await script.hearRequest("clone_image").intValue ?? 0
    var text = ""
    for step in 1...1000 {
      text += #"{"jsonrpc":"2.0","method":"$/progress","params":{"id":\#(id),"seq":\#(step),"done":\#(step)}}"# + "\n"
    }
    await script.say(text + #"{"jsonrpc":"2.0","id":\#(id),"result":null}"# + "\n")
    _ = try await call.value
    continuation.finish()
    var count = 0
    for await _ in seen { count += 1 }
    #expect(count >= 1)
    #expect(count + script.peer.counters.ignoredProgress == 1000)
    #expect(script.peer.counters.ignoredProgress > 500)
  }
}
