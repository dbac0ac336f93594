// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import TestSupport
import Testing

@Suite("Cutting bytes into lines")
struct LineFramerTests {
  struct Vector: JSONDecodable, CustomTestStringConvertible {
    var name: String
    var chunks: [String]
    var events: [[String]]
    var testDescription: String { name }

    init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      name = try members.required("name", at: path)
      chunks = try members.required("chunks", at: path)
      events = try members.required("events", at: path)
    }
  }

  static let vectors: [Vector] = VectorFile.load("framer.json")

  /// Feeds the chunks to a framer with a limit of 32 bytes and returns kind and text of each event.
  private func run(_ chunks: [[UInt8]], limit: Int = 32, tolerated: Int? = 2) -> [[String]] {
    var framer = LineFramer(maxMessageBytes: limit, toleratedStrayLines: tolerated)
    var events: [[String]] = []
    for chunk in chunks {
      chunk.withUnsafeBytes { framer.feed($0) }
      while let event = framer.next() {
        switch event {
        case .message(let line): events.append(["message", String(decoding: line, as: UTF8.self)])
        case .tooLong(let text): events.append(["too long", text])
        case .stray(let text): events.append(["stray", text])
        case .violation(let text): events.append(["violation", text])
        }
      }
    }
    return events
  }

  @Test("gives the events of the vectors", arguments: vectors)
  func vector(_ vector: Vector) {
    let events = run(vector.chunks.map { Array($0.utf8) })
    #expect(events.map(\.first) == vector.events.map(\.first))
    for (event, wanted) in zip(events, vector.events) { #expect(event[1].contains(wanted[1])) }
  }

  @Test("gives the same events however the bytes are cut up")
  func isIndependentOfChunks() {
    Fuzz.run(rounds: 300) { seed, generator in
      let bytes = HostileBytes.some(using: &generator, upTo: 200)
      var chunks: [[UInt8]] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Int.random(in: 1...min(20, rest.count), using: &generator)
        chunks.append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      let whole = run([bytes]).map { isTooLong($0) ? ["too long"] : $0 }
      let pieces = run(chunks).map { isTooLong($0) ? ["too long"] : $0 }
      #expect(whole == pieces, "seed \(seed)")
    }
  }

  /// The quoted start of a line over the limit depends on how much of it had come.
  private func isTooLong(_ event: [String]) -> Bool { event[1].contains("over the limit") }

  @Test("tolerates any number of stray lines, other framing among them, where it is told to")
  func toleratesEverything() {
    let lines = String(repeating: "noise\n", count: 50) + "Content-Length: 2\r\n\r\n{}\n"
    let events = run([Array(lines.utf8)], tolerated: nil)
    #expect(events.count == 52)
    #expect(events[50][0] == "stray" && events[50][1].contains("LSP framing"))
    #expect(events[51] == ["message", "{}"])
  }

  @Test("holds no more of an endless line than its limit")
  func forgetsEndlessLine() {
    var framer = LineFramer(maxMessageBytes: 100, toleratedStrayLines: 2)
    var tooLong = 0
    for _ in 0..<1_000 {
      [UInt8](repeating: 0x78, count: 64).withUnsafeBytes { framer.feed($0) }
      while let event = framer.next() { if case .tooLong = event { tooLong += 1 } }
      #expect(framer.pendingBytes <= 164)
    }
    #expect(tooLong == 1)
  }

  @Test("quotes at most a bounded part of a stray line")
  func quotesBounded() {
    let events = run([Array(String(repeating: "x", count: 50_000).utf8) + [10]], limit: 100_000)
    #expect(events.first?[1].utf8.count ?? .max < 400)
  }
}
