// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// Streams that were written to break out of what they are received into, each beside one that differs in that only;
/// and ends of a receive that nobody planned.
@Suite(.requires(.root), .timeLimit(.minutes(5)))
struct HostileStreamTests {
  struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    /// Whether the tool without the room does it: the attack is one.
    var hurts = false
    /// Adds what is forbidden, given the file system's top.
    var add: @Sendable (inout SendStream, _ data: String) -> Void
    var testDescription: String { name }
  }

  static let attacks = [
    Attack(name: "a file above the place") { stream, _ in
      stream.add(.file, [(.path, .text("../../evil")), (.inode, .number(300))])
    },
    Attack(name: "a file by an absolute path") { stream, data in
      stream.add(.file, [(.path, .text("\(data)/else/evil")), (.inode, .number(300))])
    },
    Attack(name: "a write through an absolute link", hurts: true) { stream, data in
      stream.add(.symlink, [(.path, .text("up")), (.inode, .number(300)), (.link, .text("\(data)/else"))])
      stream.write("up/victim", "changed")
    },
    Attack(name: "a write through a link upwards") { stream, _ in
      stream.add(
        .symlink, [(.path, .text("up")), (.inode, .number(300)), (.link, .text("../../../../../../../../../else"))])
      stream.write("up/victim", "changed")
    },
    Attack(name: "a new mode through a link", hurts: true) { stream, data in
      stream.add(.symlink, [(.path, .text("up")), (.inode, .number(300)), (.link, .text("\(data)/else/victim"))])
      stream.add(.mode, [(.path, .text("up")), (.mode, .number(0o4777))])
    },
    Attack(name: "a file moved out") { stream, data in
      stream.add(.rename, [(.path, .text("file")), (.pathTo, .text("../../../evil"))])
    },
    Attack(name: "a hard link to a host's file") { stream, data in
      stream.add(.hardLink, [(.path, .text("mine")), (.link, .text("../../../../else/victim"))])
    },
    Attack(name: "a removal above the place") { stream, _ in
      stream.add(.unlink, [(.path, .text("../../../../else/victim"))])
    },
    Attack(name: "a disk's device node", hurts: true) { stream, _ in
      stream.add(
        .node, [(.path, .text("disk")), (.inode, .number(300)), (.device, .number(7 << 8)), (.mode, .number(0o60666))])
    },
    Attack(name: "a file of the host's users", hurts: true) { stream, _ in
      stream.add(.owner, [(.path, .text("file")), (.user, .number(1_000)), (.group, .number(0))])
    },
    Attack(name: "a file of a group of the host's", hurts: true) { stream, _ in
      stream.add(.owner, [(.path, .text("file")), (.user, .number(0)), (.group, .number(42))])
    },
    Attack(name: "a file of another plugin's user", hurts: true) { stream, _ in
      stream.add(.owner, [(.path, .text("file")), (.user, .number(600_001)), (.group, .number(600_001))])
    },
    Attack(name: "a name that leads out") { stream, _ in
      stream.add(
        .subvolume, [(.path, .text("../evil")), (.uuid, .bytes(Array(2...17))), (.transaction, .number(8))])
    },
  ]

  @Test(arguments: attacks) func aStreamStaysWhereItIsReceived(_ attack: Attack) async throws {
    try await Pool.with { pool in
      let data = pool.fixture.data
      pool.shell("echo untouched > '\(data)/else/victim'")
      var stream = SendStream("vm@one")
      stream.add(.file, [(.path, .text("file")), (.inode, .number(299))])
      stream.write("file", "content")
      stream.add(.owner, [(.path, .text("file")), (.user, .number(100_033)), (.group, .number(100_033))])
      let honest = stream
      attack.add(&stream, data)
      let error = await #expect(throws: StorageError.self) { try await pool.receive(stream.ended(), as: "copy") }
      #expect(error?.code == .streamBroken, "\(String(describing: error))")
      #expect(TestText.read("\(data)/else/victim") == "untouched\n")
      var status = stat()
      #expect(stat("\(data)/else/victim", &status) == 0 && status.st_mode & 0o7777 == 0o644 && status.st_nlink == 1)
      #expect(TestFiles.names("\(data)/else") == ["victim"])
      #expect(pool.names == [])
      #expect(TestFiles.names(data) == ["deep", "else"] && TestFiles.names("\(data)/deep/a") == ["store"])
      try await pool.receive(honest.ended(), as: "copy")
      #expect(TestText.read("\(pool.store)/copy/file") == "content")
      #expect(stat("\(pool.store)/copy/file", &status) == 0 && status.st_uid == 100_033)
      if attack.hurts {
        #expect(Self.receiveOpenly(stream.ended(), pool) == 0, "positive control: outside the room it succeeds")
      }
    }
  }

  /// Another storage's snapshot lies on the same file system, and the tool finds subvolumes by their ids.
  @Test func aStreamBuildsOnTheNamedBaseOnly() async throws {
    try await Pool.with { pool in
      try pool.make("vm")
      let secret = "\(pool.fixture.data)/else/secret@one"
      pool.shell(
        """
        btrfs -q subvolume create ../../../else/secret && echo secret > ../../../else/secret/text &&
        btrfs -q subvolume snapshot -r ../../../else/secret '\(secret)'
        """)
      let list = JSON.array([.string("\(pool.store)/vm@one")])
      let taken = Collected()
      _ = try await pool.fixture.call("host.btrfs.send", ["paths": list], pool.client(taken.stream))
      for (base, uuid, isHonest) in [
        (String?.none, try Self.uuid("\(pool.store)/vm@one"), false), ("vm@one", try Self.uuid(secret), false),
        (nil, try Self.uuid(secret), false), ("vm@one", try Self.uuid("\(pool.store)/vm@one"), true),
      ] {
        let stream = SendStream("x@y", since: uuid.bytes, uuid.transaction)
        let result = await Self.result { () async throws(StorageError) in
          try await pool.receive(stream.ended(), as: "copy", base: base)
        }
        #expect(((try? result.get()) != nil) == isHonest, "\(base ?? "-"): \(result)")
        #expect(pool.names == (isHonest ? ["copy", "vm", "vm@one"] : ["vm", "vm@one"]))
      }
    }
  }

  /// Data is shared with files of the base; a link in the base must not lead to another storage's.
  @Test func aStreamSharesDataWithTheBaseOnly() async throws {
    try await Pool.with { pool in
      pool.shell(
        """
        head -c 8192 /dev/zero | tr '\\0' s > ../../../else/secret && btrfs -q subvolume create vm &&
        head -c 8192 /dev/zero | tr '\\0' m > vm/mine && ln -s ../../../../else/secret vm/leak &&
        ln -s '\(pool.fixture.data)/else/secret' vm/far && ln -s ../../../../../else/secret vm/further &&
        btrfs -q subvolume snapshot -r vm vm@one && sync -f .
        """)
      // Data is shared with what was received only: the tool knows the source by the sender's id.
      try await pool.receive(try await pool.sent(["vm@one"]), as: "base")
      let base = try Self.uuid("\(pool.store)/vm@one")
      for name in ["leak", "far", "further", "mine"] {
        var stream = SendStream("x@y", since: base.bytes, base.transaction)
        stream.add(.file, [(.path, .text("got")), (.inode, .number(300))])
        stream.add(
          .clone,
          [
            (.offset, .number(0)), (.cloneLength, .number(8_192)), (.path, .text("got")),
            (.cloneUUID, .bytes(base.bytes)), (.cloneTransaction, .number(base.transaction)),
            (.clonePath, .text(name)), (.cloneOffset, .number(0)),
          ])
        let result = await Self.result { () async throws(StorageError) in
          try await pool.receive(stream.ended(), as: "copy", base: "base")
        }
        #expect(((try? result.get()) != nil) == (name == "mine"), "\(name): \(result)")
        if ["leak", "far"].contains(name) {
          #expect(Self.receiveOpenly(stream.ended(), pool) == 0, "positive control: outside the room it succeeds")
          #expect(TestText.read("\(pool.store)/control/x@y/got").hasPrefix("ssss"))
          pool.shell("btrfs -q subvolume delete control/x@y && rmdir control")
        }
      }
      #expect(TestText.read("\(pool.store)/copy/got").hasPrefix("mmmm"))
    }
  }

  /// The tool as root in the host's own tree, in the directory `control`.
  private static func receiveOpenly(_ stream: [UInt8], _ pool: Pool) -> Int32 {
    pool.fixture.directory.write("stream", stream)
    let file = pool.fixture.directory.file("stream")
    return pool.shell("rm -rf control && mkdir control && btrfs receive control < '\(file)'")
  }

  // MARK: Ends that nobody planned

  private static func result<Value: Sendable>(
    _ work: () async throws(StorageError) -> Value
  ) async -> Result<Value, StorageError> {
    do throws(StorageError) { return .success(try await work()) } catch { return .failure(error) }
  }

  /// Starts a receive that has everything but the end, and waits until the tool works on it.
  private func begun(_ pool: Pool) async throws -> (call: Task<JSONObject, any Error>, workers: [Int32]) {
    try pool.make("vm")
    let stream = try await pool.sent(["vm@one"])
    let client = pool.client(.giving(stream.dropLast(10), pausing: true))
    let path = JSON.string("\(pool.store)/copy")
    let call = Task { try await pool.fixture.call("host.btrfs.receive", ["path": path], client) }
    let isThere = await eventually {
      pool.shell("test -s \"$(echo .berth-rcv-*/t/vm@one/noise)\"") == 0
    }
    #expect(isThere, "positive control: half of it is there: \(pool.names)")
    return (call, Self.processes("btrfs") + Self.processes("berth-broker"))
  }

  /// Processes of that name that this process, or a child of it, started.
  private static func processes(_ name: String) -> [Int32] {
    TestFiles.names("/proc").compactMap { Int32($0) }.filter { pid in
      guard TestText.read("/proc/\(pid)/comm") == name + "\n" else { return false }
      var parent = pid
      for _ in 0..<3 {
        let fields = TestText.read("/proc/\(parent)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        parent = fields.count > 1 ? Int32(fields[1]) ?? 0 : 0
        if parent == getpid() { return true }
      }
      return false
    }
  }

  @Test func aCancelledReceiveLeavesNothing() async throws {
    try await Pool.with { pool in
      let (call, _) = try await begun(pool)
      #expect(pool.fixture.store.count == 1)
      call.cancel()
      let result = await call.result
      #expect(throws: StorageError.self) { try result.get() }
      #expect(pool.names == ["vm", "vm@one"])
      #expect(pool.fixture.store.count == 0)
    }
  }

  @Test(arguments: ["btrfs", "berth-broker"]) func aKilledReceiveLeavesNothing(_ victim: String) async throws {
    try await Pool.with { pool in
      let (call, _) = try await begun(pool)
      let found = Self.processes(victim)
      try #require(!found.isEmpty)
      for pid in found { kill(pid, SIGKILL) }
      let result = await call.result
      #expect(throws: StorageError.self) { try result.get() }
      #expect(pool.names == ["vm", "vm@one"])
      #expect(pool.fixture.store.count == 0)
    }
  }

  /// The daemon and the worker died together: the next daemon has the record and finds what they left.
  @Test func whatAKilledDaemonLeftIsRemovedByTheNext() async throws {
    try await Pool.with { pool in
      let (call, workers) = try await begun(pool)
      let record = try #require(try await pool.fixture.store.records().first)
      try #require(!workers.isEmpty)
      // Nobody is there to clean up: the stage is set aside while the call ends.
      let stage = try #require(pool.names.first { $0.hasPrefix(".berth-") })
      pool.shell("mkdir aside && mv '\(stage)' aside/")
      call.cancel()
      _ = await call.result
      #expect(pool.fixture.store.count == 0)
      pool.shell("mv 'aside/\(stage)' . && rmdir aside")
      #expect(TestFiles.names("\(pool.store)/\(stage)/t") == ["vm@one"])
      try await pool.fixture.store.put(record.key, record.value)

      // The file system is not mounted at first: nothing is forgotten.
      try #require(pool.shell("umount -l '\(pool.fixture.data)'") == 0)
      mkdir("\(pool.fixture.data)/deep", 0o755)
      mkdir("\(pool.fixture.data)/deep/a", 0o755)
      mkdir(pool.store, 0o755)
      try await BrokerFixture.broker(pool.fixture.launcher, pool.fixture.store).reconcile(
        storages: ["s1"], runDirectory: pool.fixture.run)
      #expect(pool.fixture.store.count == 1)
      BrokerFixture.shell("mount -o loop '\(pool.fixture.directory.file("pool.img"))' '\(pool.fixture.data)'")
      #expect(pool.names.contains(stage))
      try await BrokerFixture.broker(pool.fixture.launcher, pool.fixture.store).reconcile(
        storages: ["s1"], runDirectory: pool.fixture.run)
      #expect(pool.names == ["vm", "vm@one"])
      #expect(pool.fixture.store.count == 0)
    }
  }

  /// A subvolume's id and last transaction, as streams name it.
  private static func uuid(_ path: String) throws -> (bytes: [UInt8], transaction: UInt64) {
    // struct btrfs_ioctl_get_subvol_info_args: flags at 288, uuid at 296, ctransid at 344.
    let fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(fd) }
    var info = [UInt8](repeating: 0, count: 504)
    try #require(ioctl(fd, 0x81F8_943C, &info) >= 0)
    return (Array(info[296..<312]), info[344..<352].reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }
}
