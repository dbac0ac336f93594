// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import Synchronization
import TestSupport
import Testing

@Suite("Requests from the other side", .timeLimit(.minutes(1)))
struct RequestTests {
  @Test("a running request that is cancelled sees its task cancelled and is still answered")
  func cancelRunning() async throws {
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { _ throws(RPCError) in
        while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
        throw RPCError(.cancelled, "rolled back", data: ["outcome": "rolled_back"])
      }))
    await script.say(["jsonrpc": "2.0", "id": 5, "method": "m"])
    #expect(await eventually { script.peer.counters.received == 1 })
    await script.say(["jsonrpc": "2.0", "method": "$/cancel", "params": ["id": 5, "reason": "cancelled"]])
    let answer = try await script.hear()
    #expect(answer?["id"] == 5)
    #expect(answer?["error"]?["data"]?["outcome"] == "rolled_back")
  }

  @Test("a waiting request that is cancelled is answered as not started and never runs")
  func cancelWaiting() async throws {
    let gate = Gate()
    let methods = Mutex<[String]>([])
    let handlers = PeerHandlers(request: { request throws(RPCError) in
      methods.withLock { $0.append(request.method) }
      await gate.wait()
      return .null
    })
    let script = try ScriptedPeer(handlers: handlers) { $0.maxConcurrentRequests = 1 }
    await script.say(["jsonrpc": "2.0", "id": 1, "method": "first"])
    await script.say(["jsonrpc": "2.0", "id": 2, "method": "second"])
    await script.say(["jsonrpc": "2.0", "id": 3, "method": "third"])
    await script.say(["jsonrpc": "2.0", "method": "$/cancel", "params": ["id": 2]])
    await script.say(["jsonrpc": "2.0", "method": "$/cancel", "params": ["id": 99]])
    let answer = try await script.hear()
    #expect(answer?["id"] == 2)
    #expect(answer?["error"]?["code"]?.intValue == 1007)
    #expect(answer?["error"]?["data"]?["outcome"] == "not_started")
    gate.open()
    #expect(try await script.hear()?["id"] == 1)
    #expect(try await script.hear()?["id"] == 3)
    #expect(methods.withLock { $0 } == ["first", "third"])
  }

  @Test("one at a time means in order")
  func serial() async throws {
    let script = try ScriptedPeer(handlers: PeerTests.echo) { $0.maxConcurrentRequests = 1 }
    for number in 0..<50 {
      await script.say(["jsonrpc": "2.0", "id": .int(Int64(number)), "method": "echo", "params": [.int(Int64(number))]])
    }
    for number in 0..<50 { #expect(try await script.hear()?["id"]?.intValue == Int64(number)) }
  }

  @Test("progress is sent rising, at most five a second, and never after the answer")
  func progress() async throws {
    let late = Mutex<IncomingRequest?>(nil)
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { request throws(RPCError) in
        for step in 0..<100 { request.report(ProgressReport(done: Int64(step), total: 100, unit: "bytes")) }
        request.report(ProgressReport(done: 1))
        late.withLock { $0 = request }
        return "done"
      }))
    await script.say(["jsonrpc": "2.0", "id": 7, "method": "m"])
    var last: Int64 = -1
    var count = 0
    while let message = try await script.hear(), message["method"] == "$/progress" {
      let done = message["params"]?["done"]?.intValue ?? -1
      #expect(message["params"]?["id"] == 7)
      #expect(done > last)
      last = done
      count += 1
    }
    #expect((1...6).contains(count))
    late.withLock { request in
      request?.report(ProgressReport(done: 100))
      request?.heartbeat()
    }
    try script.peer.notify("end", [:])
    #expect(try await script.hear()?["method"] == "end")
  }

  @Test("the end of the connection cancels what runs")
  func endCancels() async throws {
    let ended = Counter()
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { _ throws(RPCError) in
        while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(1)) }
        ended.add()
        return .null
      }))
    await script.say(["jsonrpc": "2.0", "id": 5, "method": "m"])
    #expect(await eventually { script.peer.counters.received == 1 })
    script.closeInput()
    #expect(await eventually { ended.value == 1 })
  }

  @Test("a transcript records both directions with secrets taken out")
  func transcript() async throws {
    let lines = Mutex<[String]>([])
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { _ in ["password": "hunter2", "user": "root"] })
    ) { configuration in
      configuration.transcript = Transcript(redacting: { $0 == "password" }) { line in
        lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
      }
    }
    await script.say(["jsonrpc": "2.0", "id": 1, "method": "m", "params": ["a": [["password": "hunter2"]]]])
    #expect(try await script.hear()?["result"]?["password"] == "hunter2")
    let recorded = lines.withLock { $0 }
    #expect(recorded.count == 2)
    #expect(!recorded.joined().contains("hunter2"))
    #expect(recorded.joined().contains("root"))
    for line in recorded { _ = try JSON.parse(line) }
  }
}
