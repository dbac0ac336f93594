// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import TestSupport
import Testing

/// Streams whose bytes the daemon moves itself, through a descriptor of the command's.
@Suite(
  "Streams through lent descriptors", .serialized, .timeLimit(.minutes(5)), .requires(.root),
  .requires(.program("qemu-io")))
struct DescriptorTests {
  /// A daemon with a raw volume of 64 MiB without holes.
  private func prepared() async throws -> (Installation, volume: String, path: String) {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "64M", "--format", "raw")
    let path = try await host.succeed("volume", "path", volume)
    try await Program.tool("qemu-io", "-f", "raw", "-c", "write -P 0x31 0 64M", path)
    return (host, volume, path)
  }

  @Test func theKernelMovesTheBytesPastTheDaemon() async throws {
    let (host, volume, path) = try await prepared()
    let file = host.directory.file("out")
    let before = try Self.bytesCopied(by: host.daemon)
    try await host.succeed("export", volume, "raw+size", file)
    let copied = try Self.bytesCopied(by: host.daemon) - before
    #expect(copied < 8 << 20, "the daemon read and wrote \(copied) bytes itself")
    #expect(Array(readFile(file).dropFirst(8)) == readFile(path))
    #expect(await host.stop() == 0)
  }

  /// What a process has read and written so far; splice(2) does not count (proc_pid_io(5)).
  private static func bytesCopied(by pid: Int32) throws -> Int {
    let lines = String(decoding: readFile("/proc/\(pid)/io"), as: UTF8.self).split(separator: "\n")
    let counts = lines.filter { $0.hasPrefix("rchar:") || $0.hasPrefix("wchar:") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    try #require(counts.count == 2)
    return counts[0] + counts[1]
  }

  @Test func whereNobodyTakesDescriptorsTheBytesGoThroughTheConnection() async throws {
    let (host, volume, path) = try await prepared()
    try #require(unlink(host.runDirectory + "/streams.sock") == 0)
    let file = host.directory.file("out")
    try await host.succeed("export", volume, "raw+size", file, "--digest", "crc32")
    #expect(Array(readFile(file).dropFirst(8)) == readFile(path))
    let copy = try await host.succeed("import", "local", "raw+size", file, "--vmid", "101")
    try await Program.tool("cmp", path, try await host.succeed("volume", "path", copy))
    #expect(await host.stop() == 0)
  }

  @Test(arguments: [SIGKILL, SIGINT])
  func aCommandThatEndsTakesItsDescriptorBackAndTheExportEnds(_ signal: Int32) async throws {
    let (host, volume, _) = try await prepared()
    var ends: [Int32] = [0, 0]
    try #require(berth_pipe(&ends) == 0)
    defer { close(ends[0]) }
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    let command = Program.start(
      Program.products + "/berth", ["export", volume, "raw+size", "-", "--socket", host.socket], output: ends[1],
      errors: null)
    close(ends[1])
    // Some of it arrives; then nobody reads, and the export stands.
    var buffer = [UInt8](repeating: 0, count: 4096)
    #expect(read(ends[0], &buffer, buffer.count) > 0)
    kill(command, signal)
    _ = await Program.wait(command)
    let ended = await eventually(within: .seconds(60)) {
      guard let jobs = try? await host.succeed("job", "list", "--json") else { return false }
      let job = (try? JSON.parse(jobs))?["items"]?.arrayValue?.first { $0["kind"] == "volume_export" }
      return job?["state"] == "cancelled"
    }
    let jobs = try await host.succeed("job", "list")
    #expect(ended, "\(jobs)")
    // Its lock is free and the pipe has ended.
    try await host.succeed("volume", "resize", volume, "+1M")
    while read(ends[0], &buffer, buffer.count) > 0 {}
    #expect(await host.stop() == 0)
  }

  @Test func anImportFromAPipeThatEndsEarlyLeavesNothing() async throws {
    let (host, volume, _) = try await prepared()
    let file = host.directory.file("out")
    try await host.succeed("export", volume, "raw+size", file)
    let run = await Program.run(
      "/bin/sh",
      ["-c", "head -c 1000000 \(file) | \(Program.products)/berth import local raw+size - --vmid 101"],
      environment: ["BERTH_SOCKET": host.socket])
    #expect(run.status == 1, "\(run.errors)")
    #expect(run.errors.contains("STREAM_BROKEN"), "\(run.errors)")
    #expect(try await host.volumes() == [volume])
    let whole = await Program.run(
      "/bin/sh", ["-c", "cat \(file) | \(Program.products)/berth import local raw+size - --vmid 101"],
      environment: ["BERTH_SOCKET": host.socket])
    #expect(whole.text == "local:101/vm-101-disk-0.raw", "\(whole.errors)")
    #expect(await host.stop() == 0)
  }

  @Test func aFullDiskUnderTheFileIsTheCommandsError() async throws {
    let (host, volume, _) = try await prepared()
    let disk = host.directory.file("small")
    mkdir(disk, 0o700)
    try await Program.tool("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk)
    let run = await host.berth("export", volume, "raw+size", disk + "/out")
    #expect(run.status == 7)
    #expect(run.errors.contains("No space left") && run.errors.contains("free space where"), "\(run.errors)")
    #expect(Installation.entries(disk).isEmpty, "half a file is left")
    try await Program.tool("umount", disk)
    try await host.succeed("volume", "resize", volume, "+1M")
    #expect(await host.stop() == 0)
  }

  @Test func whatTheDaemonLeavesToItsOwnerIsWrittenByTheCommand() async throws {
    let (host, volume, _) = try await prepared()
    try await host.succeed("export", volume, "raw+size", "/dev/zero")
    let full = await host.berth("export", volume, "raw+size", "/dev/full")
    #expect(full.status == 7, "\(full.errors)")
    #expect(await host.stop() == 0)
  }
}
