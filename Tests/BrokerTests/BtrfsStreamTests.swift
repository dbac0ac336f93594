// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// Subvolumes as streams, on a file system of the test's own.
@Suite(.requires(.root), .timeLimit(.minutes(5)))
struct BtrfsStreamTests {
  @Test func aSubvolumeArrivesAsItWas() async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      let stream = try await pool.sent(["vm@one"])
      let answer = try await pool.receive(stream, as: "copy@one")
      #expect(answer["bytes"]?.intValue == Int64(stream.count))
      let made = try #require(answer["subvolumes"]?.arrayValue?.first)
      #expect(made["path"]?.stringValue == "\(pool.store)/copy@one")
      #expect(made["readOnly"] == true)
      #expect(pool.areEqual("vm@one", "copy@one"))
      #expect(pool.names == ["copy@one", "vm", "vm@one"], "and nothing else is left")
    }
  }

  @Test func anIncrementIsSmallAndBuildsOnTheReceiversSnapshot() async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      try pool.change("vm")
      let whole = try await pool.sent(["vm@two"])
      let increment = try await pool.sent(["vm@two"], base: "vm@one")
      #expect(increment.count * 100 < whole.count, "\(increment.count) of \(whole.count)")
      try await pool.receive(try await pool.sent(["vm@one"]), as: "copy@one")
      try #require(pool.shell("btrfs -q subvolume delete vm vm@one") == 0)
      try await pool.receive(increment, as: "copy@two", base: "copy@one")
      #expect(pool.areEqual("vm@two", "copy@two"))
      #expect(!pool.areEqual("copy@one", "copy@two"))
      #expect(pool.names == ["copy@one", "copy@two", "vm@two"])
    }
  }

  /// The tool finds a base by the sender's id, which both copies have.
  @Test func anIncrementBuildsOnEitherOfTwoCopies() async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      try pool.change("vm")
      let whole = try await pool.sent(["vm@one"])
      let increment = try await pool.sent(["vm@two"], base: "vm@one")
      for name in ["a", "b"] { try await pool.receive(whole, as: "\(name)@one") }
      for name in ["b", "a"] {
        try await pool.receive(increment, as: "\(name)@two", base: "\(name)@one")
        #expect(pool.areEqual("vm@two", "\(name)@two"))
      }
      // On the sender's own storage, where a copy has the id of the base itself.
      try await pool.receive(increment, as: "c@two", base: "vm@one")
      #expect(pool.areEqual("vm@two", "c@two"))
    }
  }

  @Test func snapshotsTravelInOneStreamAndKeepTheirNames() async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      try pool.change("vm")
      let stream = try await pool.sent(["vm@one", "vm@two"])
      #expect(stream.count < (1 << 20) + (1 << 17), "the second as a difference: \(stream.count)")
      let answer = try await pool.receive(stream, as: "copy", snapshots: true)
      #expect(
        answer["subvolumes"]?.arrayValue?.compactMap { $0["path"]?.stringValue }
          == ["\(pool.store)/copy@one", "\(pool.store)/copy@two"])
      #expect(pool.areEqual("vm@one", "copy@one") && pool.areEqual("vm@two", "copy@two"))
      // One was to come: two are refused, and neither stays.
      await #expect(throws: StorageError.self) { try await pool.receive(stream, as: "other") }
      #expect(pool.names == ["copy@one", "copy@two", "vm", "vm@one", "vm@two"])
    }
  }

  /// As everywhere under systemd: what is mounted in the room must not appear on the host, where it could not be removed.
  @Test func theRoomsMountsStayInItWhereMountsAreShared() async throws {
    try await Pool.with { pool in
      try #require(pool.shell("mount --make-shared '\(pool.fixture.data)'") == 0)
      let isShared = TestText.read("/proc/self/mountinfo").split(separator: "\n").contains {
        $0.contains(" \(pool.fixture.data) ") && $0.contains(" shared:")
      }
      try #require(isShared, "positive control")
      try pool.make("vm")
      try pool.change("vm")
      let mounted = pool.fixture.mounted
      try await pool.receive(try await pool.sent(["vm@one", "vm@two"]), as: "copy", snapshots: true)
      try await pool.receive(try await pool.sent(["vm@two"], base: "vm@one"), as: "other", base: "copy@one")
      #expect(pool.areEqual("vm@two", "other"))
      #expect(pool.names == ["copy@one", "copy@two", "other", "vm", "vm@one", "vm@two"])
      #expect(pool.fixture.mounted == mounted)
    }
  }

  // MARK: What is refused

  struct Sending: Sendable, CustomTestStringConvertible {
    var name: String
    var paths: [String]
    var base: String?
    var testDescription: String { name }
  }

  /// Each differs in one thing from sending `STORE/vm@two` since `STORE/vm@one`.
  static let sendings = [
    Sending(name: "a foreign subvolume", paths: ["DATA/else/secret@one"], base: "STORE/vm@one"),
    Sending(name: "a foreign base", paths: ["STORE/vm@two"], base: "DATA/else/secret@one"),
    Sending(name: "a subvolume that can be written", paths: ["STORE/vm"], base: "STORE/vm@one"),
    Sending(name: "a base that can be written", paths: ["STORE/vm@two"], base: "STORE/vm"),
    Sending(name: "..", paths: ["STORE/../../../else/secret@one"], base: nil),
    Sending(name: "through a link", paths: ["STORE/way/secret@one"], base: nil),
    Sending(name: "a link", paths: ["STORE/straight"], base: nil),
    Sending(name: "a directory", paths: ["STORE/plain"], base: nil),
    Sending(name: "the granted directory", paths: ["STORE"], base: nil),
    Sending(name: "nothing", paths: [], base: nil),
    Sending(name: "one of two is foreign", paths: ["STORE/vm@one", "DATA/else/secret@one"], base: nil),
  ]

  @Test(arguments: sendings) func onlyGrantedSnapshotsAreSent(_ one: Sending) async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      try pool.change("vm")
      pool.shell(
        """
        cd '\(pool.fixture.data)/else' && btrfs -q subvolume create secret && echo x > secret/x &&
        btrfs -q subvolume snapshot -r secret secret@one && cd '\(pool.store)' && mkdir plain &&
        ln -s ../../../else way && ln -s ../../../else/secret@one straight
        """)
      func filled(_ path: String) -> JSON {
        .string(
          path.hasPrefix("STORE") ? pool.store + path.dropFirst(5) : pool.fixture.data + path.dropFirst(4))
      }
      func send(_ paths: [String], _ base: String?, _ taken: Collected) async throws {
        var params: JSONObject = ["paths": .array(paths.map(filled))]
        params["base"] = base.map(filled)
        _ = try await pool.fixture.call("host.btrfs.send", params, pool.client(taken.stream))
      }
      let taken = Collected()
      let error = await #expect(throws: StorageError.self) { try await send(one.paths, one.base, taken) }
      #expect(
        error.map { [.hostDenied, .invalidParams].contains($0.code) } == true,
        "\(one.name): \(String(describing: error))")
      #expect(taken.bytes == [], "not a byte of it")
      let honest = Collected()
      try await send(["STORE/vm@two"], "STORE/vm@one", honest)
      #expect(!honest.bytes.isEmpty)
    }
  }

  @Test func aStreamBelongsToItsCall() async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      let stream = try await pool.sent(["vm@one"])
      let send: JSONObject = ["paths": [.string("\(pool.store)/vm@one")]]
      let receive: JSONObject = ["path": .string("\(pool.store)/copy")]
      for (method, params, wrong) in [
        ("host.btrfs.send", send, BrokerStream?.none), ("host.btrfs.send", send, .giving(stream)),
        ("host.btrfs.receive", receive, nil), ("host.btrfs.receive", receive, Collected().stream),
      ] {
        let error = await #expect(throws: StorageError.self) {
          try await pool.fixture.call(method, params, pool.client(wrong))
        }
        #expect(error?.code == .hostDenied)
      }
      #expect(pool.names == ["vm", "vm@one"])
    }
  }

  @Test(
    arguments: [
      "DATA/else/copy", "STORE/../copy", "STORE", "STORE/way/copy", "STORE/no/such", "STORE/vm", "STORE/a\nb",
    ])
  func aStreamIsReceivedBeneathTheGrantOnly(_ place: String) async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      pool.shell("ln -s ../../../else way")
      let stream = try await pool.sent(["vm@one"])
      let path =
        place.hasPrefix("STORE") ? pool.store + place.dropFirst(5) : pool.fixture.data + place.dropFirst(4)
      let before = pool.names
      await #expect(throws: StorageError.self) {
        try await pool.fixture.call("host.btrfs.receive", ["path": .string(path)], pool.client(.giving(stream)))
      }
      #expect(pool.names == before)
      #expect(TestFiles.names(pool.fixture.data + "/else") == [])
      try await pool.receive(stream, as: "copy")
    }
  }

  @Test(
    arguments: [
      "cut in a command", "cut between commands", "cut before the end", "nothing", "noise", "more behind it",
      "too long",
      "a byte changed",
    ])
  func aStreamThatIsNotWholeLeavesNothing(_ fault: String) async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      let stream = try await pool.sent(["vm@one"])
      // The last command is the end: ten bytes.
      let broken: [UInt8] =
        switch fault {
        case "cut in a command": Array(stream.prefix(stream.count / 2))
        case "cut between commands": Array(stream.prefix(17 + 10 + Self.length(stream, at: 17)))
        case "cut before the end": Array(stream.dropLast(10))
        case "nothing": []
        case "noise": Array(stream.dropFirst(5))
        case "more behind it": stream + [UInt8](repeating: 7, count: 30)
        // Writes that are right each: only their sum is not.
        case "too long":
          repeatElement(Self.write("noise", 40_000), count: 120).reduce(into: Array(stream.dropLast(10))) { $0 += $1 }
        default: stream[..<(stream.count / 2)] + [stream[stream.count / 2] ^ 1] + stream[(stream.count / 2 + 1)...]
        }
      let error = await #expect(throws: StorageError.self) { try await pool.receive(broken, as: "copy") }
      #expect(error?.code == .streamBroken, "\(fault): \(String(describing: error))")
      #expect(pool.names == ["vm", "vm@one"])
      #expect(pool.fixture.store.count == 0)
      try await pool.receive(stream, as: "copy")
      #expect(pool.areEqual("vm@one", "copy"))
    }
  }

  /// One command.
  private static func write(_ path: String, _ count: Int) -> [UInt8] {
    var stream = SendStream("any")
    let start = stream.bytes.count
    stream.write(path, String(repeating: "x", count: count))
    return Array(stream.bytes[start...])
  }

  /// The payload's length of the command at that offset.
  private static func length(_ stream: [UInt8], at offset: Int) -> Int {
    stream[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}
