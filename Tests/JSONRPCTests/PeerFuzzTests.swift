// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import TestSupport
import Testing

@Suite("Random bytes from the other side", .timeLimit(.minutes(1440)))
struct PeerFuzzTests {
  @Test("whatever comes, the connection neither crashes nor leaves a call unsettled")
  func randomBytes() async throws {
    try await Fuzz.run(rounds: 60) { _, generator in
      let script = try ScriptedPeer(handlers: PeerTests.echo) { configuration in
        configuration.toleratedStrayLines = 1000
        configuration.maxMessageBytes = 2000
        configuration.cancelGrace = .milliseconds(5)
      }
      let calls = (0..<4).map { _ in script.call("status", timeout: .milliseconds(20)) }
      for _ in 0..<20 { await script.say(Self.line(using: &generator)) }
      if Bool.random(using: &generator) { script.closeInput() }
      for call in calls { _ = await call.result }
      script.peer.close(.closed("round over"))
      #expect(script.peer.callsInFlight == 0)
      await script.reactor.shutdown()
    }
  }

  /// A message that may well be to the point, broken now and then.
  private static func line(using generator: inout SeededGenerator) -> [UInt8] {
    if generator.oneIn(5) { return HostileBytes.some(using: &generator) + [10] }
    var message: JSONObject = ["jsonrpc": "2.0"]
    let id = JSON.int(Int64.random(in: 0..<8, using: &generator))
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: message.merge(["id": id, "result": RandomJSON.value(using: &generator, depth: 3)])
    case 1: message.merge(["id": id, "error": ["code": 1104, "message": "m", "data": .null]])
    case 2:
      message.merge(["id": id, "method": "echo", "params": .object(RandomJSON.object(using: &generator, depth: 2))])
    case 3: message.merge(["method": "$/cancel", "params": ["id": id]])
    case 4:
      let done = JSON.int(RandomJSON.integer(using: &generator))
      message.merge(["method": "$/progress", "params": ["id": id, "done": done]])
    default: message.merge(["method": "$/heartbeat", "params": ["id": id]])
    }
    var bytes = JSON.object(message).bytes()
    if generator.oneIn(3) { bytes = HostileBytes.mutated(bytes, using: &generator) }
    return bytes + [10]
  }
}
