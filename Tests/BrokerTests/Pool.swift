// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import Broker

/// A btrfs of its own at the fixture's `data`; what is granted of it is `store`, in a subvolume below its top.
struct Pool {
  let fixture: BrokerFixture
  /// The granted directory.
  let store: String

  static func with(_ body: (Pool) async throws -> Void) async throws {
    try await BrokerFixture.with { fixture in try await on(fixture, body) }
  }

  static func on(_ fixture: BrokerFixture, _ body: (Pool) async throws -> Void) async throws {
    do {
      let image = fixture.directory.file("pool.img")
      let made = BrokerFixture.shell(
        """
        truncate -s 512M '\(image)' && mkfs.btrfs -q '\(image)' && mount -o loop '\(image)' '\(fixture.data)' &&
        btrfs -q subvolume create '\(fixture.data)/deep' && mkdir -p '\(fixture.data)/deep/a/store' '\(fixture.data)/else'
        """)
      try #require(made == 0, "no btrfs can be made on a loop device here")
      defer { BrokerFixture.shell("umount -l '\(fixture.data)'") }
      try await body(Pool(fixture: fixture, store: "\(fixture.data)/deep/a/store"))
    }
  }

  var permissions: Permissions {
    Permissions(
      files: [FilePermission(path: store, access: .readWrite)],
      broker: [BrokerPermission("host.btrfs.*", limits: ["maxBytes": "\(4 << 20)"])])
  }

  /// The storage's plugin, in a call with that stream.
  func client(_ stream: BrokerStream?) -> BrokerClient {
    var client = fixture.client("s1", permissions)
    client.stream = stream
    return client
  }

  /// What is in the granted directory.
  var names: [String] { TestFiles.names(store) }

  @discardableResult
  func shell(_ command: String) -> Int32 { BrokerFixture.shell("cd '\(store)' && { \(command)\n}") }

  /// A subvolume with a megabyte of noise and a text, and a read-only snapshot `NAME@one` of it.
  func make(_ name: String) throws {
    let result = shell(
      """
      btrfs -q subvolume create '\(name)' && head -c 1048576 /dev/urandom > '\(name)/noise' && echo one > '\(name)/text' &&
      chown 100005:100006 '\(name)/text' && mkdir '\(name)/folder' && ln -s text '\(name)/link' &&
      btrfs -q subvolume snapshot -r '\(name)' '\(name)@one'
      """)
    try #require(result == 0)
  }

  /// A second snapshot, `NAME@two`, with a little more in it.
  func change(_ name: String) throws {
    try #require(
      shell("echo two > '\(name)/more' && rm '\(name)/link' && btrfs -q subvolume snapshot -r '\(name)' '\(name)@two'")
        == 0)
  }

  /// The stream of subvolumes, as the broker sends it.
  func sent(_ paths: [String], base: String? = nil) async throws -> [UInt8] {
    let taken = Collected()
    var params: JSONObject = ["paths": .array(paths.map { .string("\(store)/\($0)") })]
    params["base"] = base.map { .string("\(store)/\($0)") }
    let answer = try await fixture.call("host.btrfs.send", params, client(taken.stream))
    #expect(answer["bytes"]?.intValue == Int64(taken.bytes.count))
    return taken.bytes
  }

  @discardableResult
  func receive(
    _ bytes: [UInt8], as name: String, base: String? = nil, snapshots: Bool = false
  ) async throws(StorageError) -> JSONObject {
    var params: JSONObject = ["path": .string("\(store)/\(name)"), "snapshots": .bool(snapshots)]
    params["base"] = base.map { .string("\(store)/\($0)") }
    return try await fixture.call("host.btrfs.receive", params, client(.giving(bytes)))
  }

  /// Whether two trees are equal in names, contents, modes and owners.
  func areEqual(_ one: String, _ other: String) -> Bool {
    let list = "find . -mindepth 1 -printf '%p %m %U %G %s %l\\n' | sort"
    return shell("diff -r '\(one)' '\(other)' && [ \"$(cd '\(one)' && \(list))\" = \"$(cd '\(other)' && \(list))\" ]")
      == 0
  }
}

/// What a stream carried.
final class Collected: Sendable {
  private let state = Mutex<[UInt8]>([])
  var bytes: [UInt8] { state.withLock { $0 } }

  /// An export's stream.
  var stream: BrokerStream {
    BrokerStream(isExport: true) { pipe, _ async throws(StorageError) in
      let count = await Thread.run {
        defer { close(pipe) }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var total = 0
        while case let count = read(pipe, &chunk, chunk.count), count > 0 {
          self.state.withLock { $0 += chunk[..<count] }
          total += count
        }
        return total
      }
      return BrokerStream.Account(bytes: Int64(count), digest: nil)
    }
  }
}

extension BrokerStream {
  /// An import's stream of these bytes; `pausing` stops before its end until the reader goes away.
  static func giving(_ bytes: [UInt8], pausing: Bool = false) -> BrokerStream {
    BrokerStream(isExport: false) { pipe, limit async throws(StorageError) in
      let sent = await Thread.run {
        defer { close(pipe) }
        signal(SIGPIPE, SIG_IGN)
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = rest.withUnsafeBytes { write(pipe, $0.baseAddress, min($0.count, 65_536)) }
          if count < 0 { return -1 }
          rest = rest.dropFirst(count)
          if let limit, Int64(bytes.count - rest.count) > limit { return -2 }
        }
        if pausing {
          var watched = pollfd(fd: pipe, events: 0, revents: 0)
          poll(&watched, 1, 60_000)
          return -1
        }
        return bytes.count
      }
      if sent < 0 {
        throw StorageError(
          .streamBroken, sent == -1 ? "the reader went away" : "too long", outcome: .rolledBack,
          details: ["cause": sent == -1 ? "gone" : "broken"])
      }
      return BrokerStream.Account(bytes: Int64(sent), digest: nil)
    }
  }
}

/// Blocking work of tests on a thread of its own.
enum Thread {
  static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      let box = Unmanaged.passRetained(Work { continuation.resume(returning: work()) }).toOpaque()
      let failed = berth_thread_start(
        "test", 256 << 10, { Unmanaged<Work>.fromOpaque($0!).takeRetainedValue().body() }, box)
      precondition(failed == 0, "no thread for a test")
    }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

/// Looking at directories.
enum TestFiles {
  static func names(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
