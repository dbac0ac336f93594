// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Starting, stopping, dying.
@Suite("The daemon's life", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct StartAndStopTests {
  @Test func sigtermDrainsAndTheStateSurvives() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    let daemon = host.daemon
    #expect(!ProcessTable.plugins(of: daemon).isEmpty, "positive control: the plugin runs")
    #expect(await host.stop() == 0)
    #expect(access(host.socket, F_OK) != 0)
    #expect(ProcessTable.mounts(host.directory.path).isEmpty)
    try await host.start()
    #expect(try await host.volumes() == [volume])
    #expect(await host.stop(SIGINT) == 0)
  }

  @Test func afterKill9TheNextStartIsTheOrdinaryOne() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    let children = ProcessTable.descendants(of: host.daemon)
    #expect(!children.isEmpty)
    #expect(await host.stop(SIGKILL) == 128 + SIGKILL)
    #expect(access(host.socket, F_OK) == 0, "positive control: the stale socket is there")
    try await host.start()
    #expect(try await host.volumes() == [volume])
    let gone = await eventually { children.allSatisfy { kill($0, 0) != 0 } }
    #expect(gone, "what the first daemon started is gone")
  }

  @Test func whatADeadDaemonLeftIsTakenAwayByTheNext() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    _ = try await host.volumes()
    let left = Leftovers(host)
    let groups = ControlGroups.leaves(scope: host.scope)
    #expect(!groups.isEmpty && !left.mounts().isEmpty, "positive control: the running plugin is seen")
    let fifo = left.streams + "/left"
    #expect(mkfifo(fifo, 0o600) == 0)
    #expect(await host.stop(SIGKILL) == 128 + SIGKILL)
    #expect(ControlGroups.leaves(scope: host.scope) == groups, "positive control: its groups outlast it")
    try await host.start()
    #expect(Set(ControlGroups.leaves(scope: host.scope)).isDisjoint(with: groups))
    // One that is being made for a plugin that starts now has no process yet.
    #expect(await eventually { left.strayGroups(daemon: host.daemon) == [] })
    #expect(left.fifos() == [])
    #expect(!left.loops().contains { $0.contains(" (deleted)") })
    // Everything works again, with one state image attached and not two.
    _ = try await host.volumes()
    #expect(left.loops().count <= 1)
    #expect(await host.stop() == 0)
    #expect(ControlGroups.groups(scope: host.scope) == [])
    let gone = await eventually { left.mounts().isEmpty && left.loops().isEmpty }
    #expect(gone, "\(left.mounts()) \(left.loops())")
  }

  @Test func aKilledPluginStartsAgainWithTheNextCall() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    let plugins = ProcessTable.plugins(of: host.daemon)
    #expect(!plugins.isEmpty)
    for plugin in plugins { kill(plugin, SIGKILL) }
    let works = await eventually { await host.berth("volume", "alloc", "local", "100", "1M").status == 0 }
    #expect(works)
    #expect(try await host.volumes().count == 2)
  }

  @Test func aSecondDaemonOnTheSameStateNamesTheFirst() async throws {
    let host = try await Installation()
    try await host.start()
    let second = await Program.run(
      Program.products + "/berthd",
      ["--state-dir", host.stateDirectory, "--run-dir", host.directory.file("run2"), "--plugin-dir", host.plugins])
    #expect(second.status == 1)
    #expect(second.errors.contains("process \(host.daemon)"), "\(second.errors)")
    let sameSocket = await Program.run(
      Program.products + "/berthd",
      ["--state-dir", host.directory.file("state2"), "--run-dir", host.runDirectory, "--plugin-dir", host.plugins])
    #expect(sameSocket.status == 1)
    #expect(sameSocket.errors.contains("process \(host.daemon)"), "\(sameSocket.errors)")
    #expect(await host.berth("daemon", "status").status == 0, "the first is not disturbed")
  }

  @Test func whatIsInTheSocketsWayIsNotRemoved() async throws {
    let host = try await Installation()
    mkdir(host.runDirectory, 0o755)
    writeFile(host.socket, Array("precious".utf8))
    let run = await Program.run(Program.products + "/berthd", host.arguments)
    #expect(run.status == 1)
    #expect(run.errors.contains(host.socket))
    #expect(readFile(host.socket) == Array("precious".utf8))
  }

  @Test func aTooLongSocketPathIsSaidToBe() async throws {
    let host = try await Installation()
    let long = host.directory.file(String(repeating: "x", count: 120))
    let run = await Program.run(
      Program.products + "/berthd", ["--state-dir", host.stateDirectory, "--run-dir", long])
    #expect(run.status == 1)
    #expect(run.errors.contains("--run-dir"))
  }
}
