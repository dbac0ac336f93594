// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// The progress bar, seen through a pseudo-terminal.
@Suite("Progress bar", .serialized, .requires(.root), .timeLimit(.minutes(5)))
struct ProgressBarTests {
  /// What a person at a terminal sees of an import; `output` and `errors` say what of the program is at that terminal.
  private func seen(
    _ host: Installation, vmid: Int, output: Bool, errors: Bool, _ more: String...
  ) async throws -> String {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(master >= 0)
    defer { close(master) }
    // TIOCGPTN and TIOCSPTLCK of asm-generic/ioctls.h, which are macros with arguments.
    var number: Int32 = 0
    var unlocked: Int32 = 0
    try #require(ioctl(master, 0x8004_5430, &number) == 0 && ioctl(master, 0x4004_5431, &unlocked) == 0)
    let name = "/dev/pts/\(number)"
    let terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)
    let other = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(other) }
    let file = host.directory.file("stream")
    host.directory.write("stream", [0, 0, 16, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 1 << 20))
    let pid = Program.start(
      Program.products + "/berth", ["import", "local", "raw+size", file, "--vmid", "\(vmid)"] + more,
      environment: ["BERTH_SOCKET": host.socket], input: other, output: output ? terminal : other,
      errors: errors ? terminal : other)
    try #require(pid > 0)
    let status = await Program.wait(pid)
    #expect(status == 0)
    // The terminal is held open until all that was written has been read.
    _ = fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while case let count = read(master, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
    close(terminal)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func itIsShownWhereverATerminalIsAndNowhereElse() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    // Work that takes longer than a second is shown.
    try await host.succeed("storage", "set", "local", "-o", "bwlimit=restore=400")
    let both = try await seen(host, vmid: 100, output: true, errors: true)
    #expect(both.contains("import") && both.contains("%") && both.contains("local:100/vm-100-disk-0.raw"))
    let output = try await seen(host, vmid: 101, output: true, errors: false)
    #expect(output.contains("%") && output.contains("local:101/vm-101-disk-0.raw"))
    #expect(output.contains("\r\u{1b}[K"), "it is taken off again")
    let errors = try await seen(host, vmid: 102, output: false, errors: true)
    #expect(errors.contains("%") && !errors.contains("local:102"))
    #expect(try await seen(host, vmid: 103, output: true, errors: true, "--json").contains("%") == false)
    await host.stop()
  }

  @Test func anImportHasTheOptionsOfTheInterface() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    host.directory.write("stream", [0, 0, 16, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 1 << 20))
    let file = host.directory.file("stream")
    let volume = try await host.succeed(
      "import", "local", "raw+size", file, "--vmid", "100", "--image-format", "qcow2", "--digest", "sha256", "--json")
    #expect(volume.contains("local:100/vm-100-disk-0.qcow2") && volume.contains("sha256"), "\(volume)")
    let wrong = await host.berth("import", "local", "raw+size", file, "--vmid", "101", "--digest", "md5")
    #expect(wrong.status != 0 && wrong.errors.contains("must be crc32 or sha256"), "\(wrong.errors)")
    await host.stop()
  }
}
