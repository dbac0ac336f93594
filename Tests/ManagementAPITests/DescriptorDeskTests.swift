// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import ManagementTypes
import TestSupport
import Testing

@testable import ManagementAPI

/// What a client gets at the descriptor socket, and what a ticket is good for.
@Suite("Lent descriptors", .timeLimit(.minutes(2)))
struct DescriptorDeskTests {
  private let directory = TemporaryDirectory(prefix: "berth-desk")
  private let me = Peer(uid: geteuid(), gid: getegid(), pid: getpid())

  private func withDesk(
    allowing uids: Set<UInt32>? = nil, _ body: (DescriptorDesk, String) async throws -> Void
  ) async throws {
    let desk = try DescriptorDesk(policy: PeerPolicy(uids: uids ?? [geteuid()], gid: nil, group: "berth"))
    let path = directory.file("s.sock")
    try desk.open(ManagementSocket(path: path, gid: nil))
    do { try await body(desk, path) } catch {
      await desk.close()
      throw error
    }
    await desk.close()
  }

  /// What the desk answers to a byte with these descriptors, and the connection.
  private func lend(_ descriptors: [Int32], at path: String) throws -> (connection: Int32, answer: String) {
    let connection = berth_connect(path)
    try #require(connection >= 0)
    var byte: UInt8 = 0
    #expect(berth_send_descriptors(connection, &byte, 1, descriptors, Int32(descriptors.count)) == 1)
    return (connection, line(connection))
  }

  private func line(_ connection: Int32) -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while berth_read(connection, &byte, 1) == 1, byte != 10 { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func openFile(_ name: String = "file") -> Int32 {
    open(directory.file(name), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
  }

  @Test func aTicketGivesTheDescriptorOnceToWhoLentIt() async throws {
    let file = openFile()
    defer { close(file) }
    try await withDesk { desk, path in
      let (connection, ticket) = try lend([file], at: path)
      defer { close(connection) }
      #expect(ticket.count == 32)
      #expect(throws: Problem.self) { try desk.take(ticket, by: Peer(uid: 12345, gid: 0, pid: 1)) }
      let lent = try desk.take(ticket, by: me)
      #expect(lent.raw != file)
      #expect(write(lent.raw, "data", 4) == 4)
      #expect(readFile(directory.file("file")) == Array("data".utf8))
      let again = #expect(throws: Problem.self) { try desk.take(ticket, by: me) }
      #expect(again?.symbol == "NO_SUCH_DESCRIPTOR")
      #expect(throws: Problem.self) { try desk.take(String(repeating: "0", count: 32), by: me) }
    }
  }

  @Test func whoHangsUpTakesTheDescriptorBack() async throws {
    let file = openFile()
    defer { close(file) }
    try await withDesk { desk, path in
      let (connection, ticket) = try lend([file], at: path)
      let lent = try desk.take(ticket, by: me)
      let (taken, signal) = AsyncStream.makeStream(of: Void.self)
      lent.whenTakenBack { signal.finish() }
      close(connection)
      for await _ in taken {}
      // One that nobody asked for is gone too.
      let (other, unused) = try lend([file], at: path)
      close(other)
      let isGone = await eventually(within: .seconds(30)) { (try? desk.take(unused, by: me)) == nil }
      #expect(isGone)
    }
  }

  @Test func whatTheKernelJudgesByWhoWritesIsRefused() async throws {
    var pipe: [Int32] = [0, 0]
    try #require(berth_pipe(&pipe) == 0)
    var stream: [Int32] = [0, 0]
    try #require(berth_socketpair(&stream, 0) == 0)
    var packets: [Int32] = [0, 0]
    try #require(berth_socketpair(&packets, 1) == 0)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    let zero = open("/dev/zero", O_RDWR | O_CLOEXEC)
    let made = open("/proc/self/comm", O_RDWR | O_CLOEXEC)
    let folder = open("/tmp", O_RDONLY | O_CLOEXEC)
    let netlink = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | O_CLOEXEC, 0)
    let file = openFile()
    let all = pipe + stream + packets + [null, zero, made, folder, netlink, file]
    defer { for descriptor in all { close(descriptor) } }
    try await withDesk { _, path in
      for good in [pipe[1], stream[0], null, file] {
        let (connection, answer) = try lend([good], at: path)
        #expect(!answer.hasPrefix("error: "), "\(answer)")
        close(connection)
      }
      for bad in [packets[0], zero, made, folder, netlink] {
        let (connection, answer) = try lend([bad], at: path)
        #expect(answer.hasPrefix("error: berthd does not move bytes through this descriptor"), "\(answer)")
        #expect(line(connection) == "", "the connection is still open")
        close(connection)
      }
    }
  }

  @Test func bytesWithoutOneDescriptorAreRefused() async throws {
    let file = openFile()
    defer { close(file) }
    try await withDesk { _, path in
      for descriptors in [[], [file, file]] {
        let (connection, answer) = try lend(descriptors, at: path)
        #expect(answer == "error: send one byte with one descriptor")
        close(connection)
      }
    }
  }

  @Test func strangersAreRefused() async throws {
    let file = openFile()
    defer { close(file) }
    try await withDesk(allowing: [54321]) { _, path in
      let connection = berth_connect(path)
      try #require(connection >= 0)
      #expect(line(connection).hasPrefix("error: you may not use berthd"))
      close(connection)
    }
  }

  @Test func noMoreThanTheLimitAreServedAtATime() async throws {
    try await withDesk { _, path in
      var connections: [Int32] = []
      defer { for connection in connections { close(connection) } }
      for _ in 0..<DescriptorDesk.mostVisits { connections.append(berth_connect(path)) }
      try #require(connections.allSatisfy { $0 >= 0 })
      let more = berth_connect(path)
      #expect(line(more).hasPrefix("error: \(DescriptorDesk.mostVisits) descriptors are lent already"))
      close(more)
      // A place that is given back serves the next.
      close(connections.removeLast())
      let file = openFile()
      defer { close(file) }
      let isServed = await eventually(within: .seconds(30)) {
        guard let (connection, answer) = try? lend([file], at: path) else { return false }
        defer { close(connection) }
        return answer.count == 32
      }
      #expect(isServed)
    }
  }
}
