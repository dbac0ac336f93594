// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import StorageProtocol
import Testing

@Suite struct StorageErrorTests {
  @Test func survivesTheWire() throws {
    let error = StorageError(
      .noSpace, "pool 'fast' is full", outcome: .rolledBack, retry: RetryAdvice(.backoff, afterMs: 500),
      hint: "free some volumes", details: ["needed": 4096, "available": 0])
    let text = error.json().text()
    #expect(try StorageError(json: JSON.parse(text)) == error)
    #expect(
      text == """
        {"code":1110,"message":"pool 'fast' is full","data":{"symbol":"NO_SPACE","outcome":"rolled_back",\
        "retry":{"class":"backoff","afterMs":500},"hint":"free some volumes","needed":4096,"available":0}}
        """)
  }

  @Test(arguments: StorageError.Code.all) func everyCodeRoundTrips(_ code: StorageError.Code) throws {
    let error = StorageError(code, "why", outcome: .partial)
    let back = try StorageError(json: error.json())
    #expect(back == error)
    #expect(StorageError.Code(symbol: code.symbol) == code)
    #expect(error.retry.class == code.defaultRetry)
  }

  @Test func theTableIsTheOneOfTheDesign() {
    let numbers = StorageError.Code.all.map(\.rawValue)
    #expect(Set(1001...1022).isSubset(of: numbers))
    #expect(Set(1101...1122).isSubset(of: numbers))
    #expect(StorageError.Code.storageUnavailable.rawValue == 1102)
    #expect(StorageError.Code.protected.symbol == "PROTECTED")
    #expect(StorageError.Code(rawValue: 4711).symbol == "ERROR_4711")
    #expect(!StorageError.Code.pluginCrashed.mayComeFromPlugin)
  }

  @Test func aPoorErrorIsFilledFromTheTable() throws {
    let error = try StorageError(json: ["code": 1106, "message": "busy"])
    #expect(error.outcome == .unknown)
    #expect(error.retry.class == .backoff)
    #expect(error.code == .volumeBusy)
  }

  @Test func wrongDataDoesNotHideTheError() throws {
    let error = try StorageError(
      json: ["code": 1110, "message": "full", "data": ["outcome": "perhaps", "retry": "later", "symbol": 7]])
    #expect(error.outcome == .unknown)
    #expect(error.retry.class == .afterFix)
    #expect(error.code == .noSpace)
  }

  @Test func foreignTextIsBoundedAndEscaped() throws {
    let hostile = "line\nbreak\u{1B}[31m\u{202E}" + String(repeating: "x", count: 5000)
    let error = try StorageError(json: ["code": 1119, "message": .string(hostile)])
    #expect(error.message.hasPrefix("line\\u{a}break\\u{1b}[31m\\u{202e}xxx"))
    #expect(error.message.unicodeScalars.count < 1100)
    let large = JSON.array(Array(repeating: "0123456789", count: 5000))
    let flooded = try StorageError(json: ["code": 1119, "message": "m", "data": ["backend": large]])
    #expect(flooded.details == ["truncated": true])
  }

  @Test func aCallThatWasNeverSeenHasNotStarted() {
    let lost = RPCError(kind: .closed, code: .pluginCrashed, message: "gone", mayHaveRun: true)
    #expect(StorageError(lost).outcome == .unknown)
    let refused = RPCError(kind: .overloaded, code: .overloaded, message: "full", mayHaveRun: false)
    #expect(StorageError(refused).outcome == .notStarted)
  }

  @Test func answersAsAnRPCError() throws {
    let error = StorageError(
      .rollbackBlocked, "two in the way", outcome: .notStarted, details: ["blockers": ["a", "b"]])
    let answer = RPCError(error)
    #expect(answer.code.rawValue == 1109)
    #expect(answer.data?["blockers"] == ["a", "b"])
    #expect(answer.data?["outcome"] == "not_started")
    #expect(StorageError(answer) == error)
  }
}
