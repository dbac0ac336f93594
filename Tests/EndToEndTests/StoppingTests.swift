// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Foundation
import Glibc
import JSON
import TestSupport
import Testing

/// SIGTERM in the middle of work: jobs go on to their last step, and who stands still keeps nobody waiting.
@Suite("Stopping", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct StoppingTests {
  private let disk = "local:100/vm-100-disk-0.raw"

  private func running(_ host: Installation, _ kind: String) async -> Bool {
    let list = await host.berth("job", "list", "--state", "running", "--json")
    let jobs = (try? JSON.parse(list.output))?["items"]?.arrayValue ?? []
    return jobs.contains { $0["kind"]?.stringValue == kind }
  }

  @Test func aMoveUnderWayGoesOnToItsLastStep() async throws {
    let host = try await Installation()
    let target = host.directory.file("target")
    mkdir(target, 0o755)
    try await host.start("--grace", "30")
    try await host.addStorage()
    try await host.succeed("storage", "add", "directory", "target", "--option", "path=\(target)", "--consent")
    try await host.succeed("volume", "alloc", "local", "100", "6M")
    // Three seconds of data; removing the source comes after the signal.
    let job = try await host.succeed("volume", "move", disk, "target", "--bandwidth", "2M", "--detach")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(await eventually { await self.running(host, "move") })
    #expect(await host.stop() == 0, "\(host.log)")
    try await host.start()
    let shown = try JSON.parse(Array(try await host.succeed("job", "show", job, "--json").utf8))
    #expect(shown["state"] == "done", "\(shown)")
    #expect(shown["result"]?["volid"] == "target:100/vm-100-disk-0.raw", "\(shown)")
    #expect(host.files().isEmpty)
    #expect(try await host.volumes("target") == ["target:100/vm-100-disk-0.raw"])
    #expect(await host.stop() == 0)
  }

  @Test func anExportWhoseReaderStandsStillIsCutOffAfterTheGrace() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    try await host.succeed("volume", "alloc", "local", "100", "64M")
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let errors = open(host.directory.file("export.err"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    let reader = Program.start(
      Program.products + "/berth", ["export", disk, "raw+size", "-"], environment: ["BERTH_SOCKET": host.socket],
      output: ends[1], errors: errors)
    close(ends[1])
    close(errors)
    #expect(await eventually { await self.running(host, "volume_export") })
    try await Task.sleep(for: .seconds(1))
    let begun = ContinuousClock.now
    #expect(await host.stop() == 0, "\(host.log)")
    // Five seconds of grace, two for connections; the rest is a busy machine's.
    let took = begun.duration(to: .now)
    #expect(took > .seconds(4) && took < .seconds(20), "\(took)")
    kill(reader, SIGKILL)
    _ = await Program.wait(reader)
    try await host.start()
    #expect(try await host.succeed("reconcile") == "nothing is unsettled")
    #expect(await host.stop() == 0)
  }

  @Test func anImportThatStopsComingLeavesNothing() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let log = open(host.directory.file("import.err"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0)
    let sender = Program.start(
      Program.products + "/berth", ["import", "local", "raw+size", "-", "--vmid", "100"],
      environment: ["BERTH_SOCKET": host.socket], input: ends[0], output: log, errors: log)
    close(ends[0])
    close(log)
    // The head says 1 MiB; the half of it comes.
    let bytes: [UInt8] = [0, 0, 16, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 1 << 15)
    #expect(write(ends[1], bytes, bytes.count) == bytes.count)
    #expect(await eventually { await self.running(host, "volume_import") })
    let begun = ContinuousClock.now
    #expect(await host.stop() == 0, "\(host.log)")
    #expect(begun.duration(to: .now) < .seconds(25))
    close(ends[1])
    #expect(await Program.wait(sender) != 0)
    try await host.start()
    #expect(try await host.succeed("reconcile") == "nothing is unsettled")
    #expect(try await host.volumes().isEmpty)
    #expect(host.files().isEmpty)
    #expect(await host.stop() == 0)
  }
}
