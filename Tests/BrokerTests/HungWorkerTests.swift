// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// Workers that hang in the kernel where no kill reaches them: told, counted, and nobody else waits for them.
@Suite(.serialized, .requires(.root), .timeLimit(.minutes(3)))
struct HungWorkerTests {
  @Test func aWorkerThatCannotBeKilledIsToldAndOthersGoOn() async throws {
    try await BrokerFixture.with { fixture in
      // The granted directory is a file system whose server takes every question and answers none.
      let program = fixture.directory.file("silent")
      let source = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Hostile/fuse.c"
      try #require(BrokerFixture.shell("cc -std=gnu17 -O1 -w -static -o '\(program)' '\(source)'") == 0)
      let server = ChildProcess(program, fixture.data, "0")
      try #require(await Self.line(server.output) == "ready")
      defer { close(server.output) }

      let other = fixture.directory.file("other")
      _ = BrokerFixture.shell("truncate -s 1M '\(other)/disk.img'")
      var permissions = fixture.everything
      permissions.files = [FilePermission(path: other, access: .readWrite)]
      let neighbour = fixture.client("s2", permissions)

      for round in 0..<3 {
        let call = Task { () async -> StorageError? in
          do throws(StorageError) {
            _ = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk\(round).img")])
            return nil
          } catch { return error }
        }
        if round == 0 {
          #expect(await Self.line(server.output) == "asked", "INCONCLUSIVE: nobody looked")
        } else {
          try await Task.sleep(for: .seconds(1))
        }
        // Its caller's time is over. While the host finds out that no kill helps, another storage is served.
        call.cancel()
        let attached = try await fixture.call("host.loop.attach", ["path": .string("\(other)/disk.img")], neighbour)
        _ = try await fixture.call("host.loop.detach", ["loop": try #require(attached["loop"])], neighbour)
        let error = await call.value
        #expect(error?.code == .storageUnavailable && error?.outcome == .unknown, "\(String(describing: error))")
        #expect(error?.message.contains("cannot be killed") == true, "\(String(describing: error))")
      }
      // Three are enough: the storage gets no more until one of them ends.
      let refused = await #expect(throws: StorageError.self) {
        try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk.img")])
      }
      #expect(refused?.outcome == .notStarted && refused?.message.contains("hang in the kernel") == true)

      // The server goes away: everybody who waited is freed, and the storage is served again.
      close(server.input)
      let works = await eventually(within: .seconds(30)) {
        // Again each time: the directory is the server's until the kernel has noticed.
        fixture.image("late.img", megabytes: 1)
        do throws(StorageError) {
          let loop = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/late.img")])
          _ = try await fixture.call("host.loop.detach", ["loop": loop["loop"] ?? .null])
          return true
        } catch { return false }
      }
      #expect(works)
      #expect(await eventually { ControlGroups.leaves(scope: fixture.launcher.scope).isEmpty })
    }
  }

  /// The next line; empty at the end.
  private static func line(_ descriptor: Int32) async -> String {
    var bytes: [UInt8] = []
    for _ in 0..<3_000 {
      var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&watched, 1, 0) == 0 {
        try? await Task.sleep(for: .milliseconds(10))
        continue
      }
      var byte: UInt8 = 0
      guard read(descriptor, &byte, 1) == 1, byte != 10 else { break }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
