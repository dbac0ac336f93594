// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import TestSupport
import Testing

/// A plugin that dies while its caller's other side stands still: the caller is told at once, and nothing stays held.
@Suite("Transfers that stand still", .serialized, .requires(.root), .timeLimit(.minutes(5)))
struct StalledTransferTests {
  private func killPlugins(of host: Installation) {
    for plugin in ProcessTable.plugins(of: host.daemon) { kill(plugin, SIGKILL) }
  }

  /// Waits for a program's end, but not for ever.
  private func end(_ pid: Int32, within limit: Duration) async -> Int32? {
    let gone = await eventually(within: limit) { !ProcessTable.isAlive(pid) }
    if !gone { kill(pid, SIGKILL) }
    let status = await Program.wait(pid)
    return gone ? status : nil
  }

  @Test func anImportWhoseSenderSendsNothingFailsWithItsPlugin() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    var pipe: [Int32] = [-1, -1]
    try #require(berth_pipe(&pipe) == 0)
    defer { for descriptor in pipe { close(descriptor) } }
    let errors = open(host.directory.file("errors"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(errors) }
    let importing = Program.start(
      Program.products + "/berth", ["import", "local", "raw+size", "-", "--vmid", "100"],
      environment: ["BERTH_SOCKET": host.socket], input: pipe[0], output: errors, errors: errors)
    try #require(importing > 0)
    let begin: [UInt8] = [0, 0, 16, 0, 0, 0, 0, 0, 1, 2, 3]
    try #require(write(pipe[1], begin, begin.count) == begin.count)
    #expect(
      await eventually {
        Installation.entries(host.store + "/images/100").contains { $0.hasPrefix(".berth-") }
      }, "the plugin is at it")
    killPlugins(of: host)
    let status = await end(importing, within: .seconds(60))
    #expect(status != nil && status != 0, "it waits for what its sender does not send")
    let text = String(decoding: readFile(host.directory.file("errors")), as: UTF8.self)
    #expect(text.contains("volume_import"), "\(text)")
    #expect(await eventually { (try? await host.succeed("lock", "list").contains("local")) == false })
    #expect(try await host.volumes().isEmpty)
    await host.stop()
  }

  @Test func anExportWhoseReaderTakesNothingLetsItsLockGoWithItsPlugin() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "256M")
    var pipe: [Int32] = [-1, -1]
    try #require(berth_pipe(&pipe) == 0)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    let exporting = Program.start(
      Program.products + "/berth", ["export", volume, "raw+size", "-"], environment: ["BERTH_SOCKET": host.socket],
      input: null, output: pipe[1], errors: null)
    try #require(exporting > 0)
    close(pipe[1])
    defer { close(null) }
    #expect(await eventually { (try? await host.succeed("lock", "list").contains("local")) == true })
    try await Task.sleep(for: .milliseconds(500))
    killPlugins(of: host)
    #expect(
      await eventually(within: .seconds(60)) { (try? await host.succeed("lock", "list").contains("local")) == false })
    close(pipe[0])
    #expect(await end(exporting, within: .seconds(60)) != 0)
    await host.stop()
  }
}
