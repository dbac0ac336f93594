// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

/// Learning mode as the kernel tells of it, and who may not have it.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)))
struct LearningTests {
  private static func learn(
    _ fixture: Fixture, _ source: String, _ change: (inout LaunchPlan) -> Void = { _ in }
  ) async throws -> (output: String, uses: LearnedUses) {
    fixture.write("run.py", "#!/usr/bin/python3 -IS\n" + source)
    var plan = fixture.plan("run.py")
    plan.learning = true
    change(&plan)
    let launcher = Launcher(
      transport: fixture.launcher.transport, scope: fixture.launcher.scope, allowsLearning: true)
    let process = try await launcher.launch(plan)
    let observer = LearningObserver()
    try observer.watch(process)
    let output = await Fixture.drain(process.standardOutput)
    _ = await process.waitForExit()
    try await process.kill()
    process.close()
    return (output, observer.uses)
  }

  @Test func filesConnectionsNamesAndThreadsAreSeen() async throws {
    let fixture = try Fixture()
    let outside = fixture.directory + "/outside"
    mkdir(outside, 0o755)
    let (output, uses) = try await Self.learn(
      fixture,
      """
      import os, socket, threading
      def attempt(what):
          try: what()
          except OSError as error: print(error.__class__.__name__, flush=True)
      os.chdir("/usr")
      attempt(lambda: open("\(outside)/data"))
      attempt(lambda: open("../\(outside.dropFirst())/./new", "w"))
      attempt(lambda: os.stat("/proc/self/status"))
      attempt(lambda: socket.create_connection(("192.0.2.7", 443), timeout=5))
      attempt(lambda: socket.create_connection(("array.example", 8080), timeout=5))
      thread = threading.Thread(target=lambda: print("thread", flush=True)); thread.start(); thread.join()
      attempt(lambda: os.mkdir("\(outside)/made"))
      """)
    #expect(output.contains("thread"), "\(output)")
    #expect(output.split(separator: "\n").count == 7, "everything was tried and failed as it would: \(output)")
    let expected: [LearnedUse] = [
      .path("\(outside)/data", writes: false), .path("\(outside)/new", writes: true),
      .path("\(outside)/made", writes: true), .path("/proc/self/status", writes: false),
      .connection(host: "192.0.2.7", port: 443), .name("array.example"), .processes,
    ]
    for use in expected { #expect(uses.counts[use] != nil, "\(use) in \(uses.counts.keys)") }
    #expect(access(outside + "/new", F_OK) != 0 && access(outside + "/made", F_OK) != 0)
  }

  /// Learning lets through what some permission opens, and nothing else.
  @Test func whatNoPermissionOpensIsRefusedAndNoted() async throws {
    let fixture = try Fixture()
    let (output, uses) = try await Self.learn(
      fixture,
      """
      import ctypes, socket
      libc = ctypes.CDLL(None, use_errno=True)
      for name, call in [("mount", lambda: libc.mount(b"a", b"/tmp", b"tmpfs", 0, None)),
                         ("unshare", lambda: libc.unshare(0x10000000)),
                         ("ptrace", lambda: libc.ptrace(0, 0, 0, 0))]:
          ctypes.set_errno(0)
          print(name, call(), ctypes.get_errno())
      for family in [16, 40]:  # netlink, virtual machine sockets
          try: socket.socket(family, socket.SOCK_RAW if family == 16 else socket.SOCK_STREAM); print("open")
          except OSError as error: print(family, error.errno)
      """)
    #expect(output == "mount -1 1\nunshare -1 1\nptrace -1 1\n16 1\n40 1\n", "\(output)")
    for name in ["mount", "unshare", "ptrace", "socket"] { #expect(uses.counts[.refused(name)] != nil, "\(name)") }
  }

  @Test func aGrantedEndpointIsSeenByItsName() async throws {
    let fixture = try Fixture()
    let server = try await EchoServer(fixture.directory, name: "one")
    let (output, uses) = try await Self.learn(
      fixture,
      """
      import socket
      with socket.create_connection(("localhost", \(server.port)), timeout=20) as connection:
          connection.sendall(b"x"); connection.shutdown(socket.SHUT_WR)
          print(connection.recv(100).decode())
      """
    ) { $0.permissions.network = .endpoints([NetworkEndpoint(host: "localhost", port: "\(server.port)")]) }
    #expect(output.hasPrefix("one"), "\(output)")
    #expect(uses.counts[.connection(host: "localhost", port: server.port)] != nil, "\(uses.counts)")
  }

  /// A launcher that was not made for it starts nothing so: that is every daemon's.
  @Test func noDaemonStartsAPluginInLearningMode() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\necho started\n")
    var plan = fixture.plan("run.sh")
    plan.learning = true
    let error = await #expect(throws: SandboxError.self) { _ = try await fixture.launcher.launch(plan) }
    #expect(error?.code == .invalidPlan && error?.message.contains("learning") == true)
    plan.learning = false
    let process = try await fixture.launcher.launch(plan)
    #expect(process.notifications == -1)
    let refused = #expect(throws: SandboxError.self) { try LearningObserver().watch(process) }
    #expect(refused?.code == .invalidPlan)
    try await process.kill()
    process.close()
  }

  @Test(
    arguments: [
      ([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 2, 0x62, 0x63, 0, 0, 1, 0, 1], "a.bc"),
      ([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9, 0x61, 2, 0x62, 0x63, 0, 0, 1, 0, 1], nil),
      ([0x12, 0x34, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1], nil),
      ([UInt8](repeating: 0x47, count: 40), nil),
    ] as [([UInt8], String?)]) func aQuestionIsReadStrictly(_ bytes: [UInt8], _ name: String?)
  {
    #expect(LearnedCall.question(bytes) == name)
  }
}
