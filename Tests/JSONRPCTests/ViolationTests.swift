// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import Synchronization
import TestSupport
import Testing

@Suite("Another side that breaks the protocol", .timeLimit(.minutes(1)))
struct ViolationTests {
  @Test("two stray lines are told and tolerated, the third closes and fails the pending calls, quoting it")
  func strayLines() async throws {
    let told = Mutex<[String]>([])
    let script = try ScriptedPeer(handlers: PeerHandlers(strayLine: { line in told.withLock { $0.append(line) } }))
    let call = script.call("status")
    let id = try await script.hearRequest("status")
    await script.say("Loading modules...\nTraceback (most recent call last):\n")
    #expect(await eventually { told.withLock { $0.count } == 2 })
    #expect(script.peer.closeReason == nil)
    await script.say("\u{1b}[31mthird\n")
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .violation)
    #expect(error?.code == .protocolViolation)
    #expect(error?.message.contains(#"\x1b[31mthird"#) == true)
    #expect(told.withLock { $0.first?.contains("Loading modules...") } == true)
    _ = id
  }

  @Test("an object that is no message is answered, counted, and the third closes")
  func brokenMessages() async throws {
    let script = try ScriptedPeer()
    await script.say("{\"jsonrpc\":\"2.0\",\n")
    let parse = try await script.hear()
    #expect(parse?["id"] == JSON.null)
    #expect(parse?["error"]?["code"]?.intValue == -32_700)
    await script.say("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"host.log\"}\n")
    let invalid = try await script.hear()
    #expect(invalid?["error"]?["code"]?.intValue == -32_600)
    await script.say("{\"jsonrpc\":\"1.0\",\"method\":\"host.log\"}\n")
    let reason = await script.peer.waitUntilClosed()
    #expect(reason.kind == .violation)
    #expect(script.peer.counters.strayLines == 2)
  }

  @Test(
    "what the protocol refuses is never taken for a message",
    arguments: [
      #"{"jsonrpc":"2.0","method":"m","method":"m"}"#, #"{"jsonrpc":"2.0","method":"a\u0000b"}"#,
      #"{"jsonrpc":"2.0","method":"m","params":7}"#, #"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
      #"{"jsonrpc":"2.0","method":"m","params":{"n":9223372036854775808}}"#, #"{"method":"m"}"#, #"{}"#,
      #"{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"m"}}"#,
      #"{"jsonrpc":"2.0","id":1,"error":{"code":1.0,"message":"m"}}"#,
      #"{"jsonrpc":"2.0","method":"m","params":{"deep":"# + String(repeating: "[", count: 63)
        + String(repeating: "]", count: 63) + "}}",
    ])
  func refusesMessage(line: String) async throws {
    let counter = Counter()
    let script = try ScriptedPeer(handlers: PeerHandlers(notification: { _, _ in counter.add() }))
    await script.say(line + "\n")
    #expect(await eventually { script.peer.counters.strayLines == 1 })
    #expect(counter.value == 0)
  }

  @Test("LSP framing is named, to the other side too")
  func contentLength() async throws {
    let script = try ScriptedPeer()
    await script.say("Content-Length: 38\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}")
    let told = try await script.hear()
    #expect(told?["id"] == JSON.null)
    #expect(told?["error"]?["code"]?.intValue == 1016)
    #expect(told?["error"]?["message"]?.stringValue?.contains("LSP framing") == true)
    let reason = await script.peer.waitUntilClosed()
    #expect(reason.kind == .violation)
    #expect(reason.message.contains("LSP framing"))
  }

  @Test("a line over the limit closes before its end has come")
  func giantLine() async throws {
    let script = try ScriptedPeer { $0.maxMessageBytes = 100_000 }
    let call = script.call("list_images")
    let id = try await script.hearRequest("list_images")
    await script.say("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\"" + String(repeating: "x", count: 200_000))
    let error = await #expect(throws: RPCError.self) { try await call.value }
    #expect(error?.kind == .violation)
    #expect(error?.code == .messageTooLarge)
    #expect(error?.message.contains("limit of 100000 bytes") == true)
    #expect(error?.message.utf8.count ?? .max < 500)
    let told = try await script.hear()
    #expect(told?["id"] == JSON.null)
    #expect(told?["error"]?["code"]?.intValue == 1005)
  }

  @Test("who must survive the other side's mistakes answers them and reads on")
  func survivesMistakes() async throws {
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { request throws(RPCError) in .string(request.method) })
    ) { configuration in
      configuration.maxMessageBytes = 1_000
      configuration.endsAtViolations = false
    }
    let giant = "{\"x\":\"" + String(repeating: "x", count: 5_000) + "\"}"
    for (line, code) in [
      ("noise", -32_700), (giant, 1005), ("Content-Length: 2\r", -32_700), ("[]", -32_700), ("{}", -32_600),
      ("{\"jsonrpc\":\"2.0\",\"id\":\"text\",\"method\":\"m\"}", -32_600), (giant, 1005),
    ] {
      await script.say(line + "\n")
      let told = try await script.hear()
      #expect(told?["id"] == JSON.null)
      #expect(told?["error"]?["code"]?.intValue == Int64(code), "\(line.prefix(40))")
    }
    await script.say(["jsonrpc": "2.0", "id": 1, "method": "status"])
    #expect(try await script.hear()?["result"] == "status")
    #expect(script.peer.closeReason == nil)
  }

  @Test("no message is longer than the other side said it reads, and a longer limit is made use of")
  func outgoingLimit() async throws {
    let script = try ScriptedPeer { $0.maxOutgoingMessageBytes = 1_000 }
    let padding = JSON.string(String(repeating: "x", count: 5_000))
    let error = await #expect(throws: RPCError.self) {
      try await script.peer.call("m", ["x": padding], timeout: .seconds(60))
    }
    #expect(error?.code == .messageTooLarge && error?.mayHaveRun == false)
    script.peer.limitMessages(to: 8_000)
    let call = script.call("m", ["x": padding])
    let id = try await script.hearRequest("m")
    await script.say(["jsonrpc": "2.0", "id": id, "result": 1])
    #expect(try await call.value == 1)
    script.peer.limitMessages(to: 100)
    let small = await #expect(throws: RPCError.self) {
      try await script.peer.call("m", ["x": .string(String(repeating: "x", count: 100))], timeout: .seconds(60))
    }
    #expect(small?.data?["limit"]?.intValue == 100)
  }

  @Test("an id used again after its answer closes")
  func reusedRequestID() async throws {
    let script = try ScriptedPeer(handlers: PeerHandlers(request: { _ throws(RPCError) in .null }))
    for id: JSON in [1, 2, 3] {
      await script.say(["jsonrpc": "2.0", "id": id, "method": "host.config.read"])
      #expect(try await script.hear()?["id"] == id)
    }
    await script.say(["jsonrpc": "2.0", "id": 2, "method": "host.config.read"])
    #expect(await script.peer.waitUntilClosed().message.contains("each is used once"))
  }

  @Test("an id used for two requests at once closes")
  func duplicateRequestID() async throws {
    let script = try ScriptedPeer(
      handlers: PeerHandlers(request: { _ throws(RPCError) in
        try? await Task.sleep(for: .seconds(600))
        return .null
      }))
    await script.say(["jsonrpc": "2.0", "id": 4711, "method": "host.config.read"])
    await script.say(["jsonrpc": "2.0", "id": 4711, "method": "host.config.read"])
    let reason = await script.peer.waitUntilClosed()
    #expect(reason.kind == .violation)
    #expect(reason.message.contains("4711"))
  }
}

/// A number that handlers on other threads count up.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func add(_ number: Int = 1) { count.add(number, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
