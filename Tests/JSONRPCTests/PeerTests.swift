// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import Testing

@Suite("A connection between two well-behaved sides", .timeLimit(.minutes(1)))
struct PeerTests {
  static let echo = PeerHandlers(request: { request throws(RPCError) in
    switch request.method {
    case "echo": return request.params
    case "fail": throw RPCError(RPCError.Code(rawValue: 1104), "no such volume", data: ["symbol": "VOLUME_NOT_FOUND"])
    default: throw .methodNotFound(request.method)
    }
  })

  @Test("a call gets its result")
  func callGetsResult() async throws {
    let pair = try PeerPair(right: Self.echo)
    let params: JSON = ["size": 9_007_199_254_740_993, "name": "vm-100-disk-0", "list": [1, 2.5, nil]]
    #expect(try await pair.left.call("echo", params, timeout: .seconds(30)) == params)
  }

  @Test("a call gets the other side's error with its data")
  func callGetsError() async throws {
    let pair = try PeerPair(right: Self.echo)
    let error = await #expect(throws: RPCError.self) {
      try await pair.left.call("fail", [:], timeout: .seconds(30))
    }
    #expect(error?.kind == .remote)
    #expect(error?.code.rawValue == 1104)
    #expect(error?.data?["symbol"] == "VOLUME_NOT_FOUND")
    let unknown = await #expect(throws: RPCError.self) {
      try await pair.left.call("nonsense", [:], timeout: .seconds(30))
    }
    #expect(unknown?.code == .methodNotFound)
  }

  @Test("both sides call each other at once, hundreds of calls in flight, small and large")
  func bothDirections() async throws {
    let pair = try PeerPair(left: Self.echo, right: Self.echo)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<400 {
        let peer = number % 2 == 0 ? pair.left : pair.right
        let text = String(repeating: "x", count: number % 50 == 0 ? 100_000 : number)
        group.addTask {
          let params: JSON = ["number": .int(Int64(number)), "text": .string(text)]
          let result = try await peer.call("echo", params, timeout: .seconds(60))
          #expect(result == params)
        }
      }
      try await group.waitForAll()
    }
    #expect(pair.left.callsInFlight == 0)
    #expect(pair.left.counters.duplicateAnswers == 0)
  }
}
