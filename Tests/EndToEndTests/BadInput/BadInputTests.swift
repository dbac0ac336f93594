// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// What goes wrong is told: what, where, what next, and with the right exit code.
@Suite("Bad input", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct BadInputTests {
  @Test func everyFailureHasItsExitCodeAndItsThreeLines() async throws {
    let host = try await Installation()
    #expect(await host.berth("storage", "list").status == 3)
    try await host.start()
    try await host.addStorage()
    try await host.succeed("volume", "alloc", "local", "100", "1M", "--name", "vm-100-data.raw")
    let cases: [([String], Int32, String)] = [
      (["volume", "list", "nosuch"], 5, "nosuch"),
      (["volume", "info", "local:100/vm-100-disk-9.raw"], 5, "vm-100-disk-9"),
      (["volume", "alloc", "local", "100", "1M", "--name", "vm-100-data.raw"], 6, "vm-100-data.raw"),
      (["volume", "alloc", "local", "100", "1M", "--name", "../../etc/passwd"], 2, "passwd"),
      (["volume", "alloc", "local", "100", "9223372036854775807"], 2, "size"),
      (["volume", "alloc", "local", "100", "-1"], 2, ""),
      (["volume", "alloc", "local", "0", "1M"], 2, "guest"),
      (["volume", "path", "no-colon"], 2, "no-colon"),
      (["volume", "free", "local:" + String(repeating: "x", count: 4_096)], 2, ""),
      (["snapshot", "rollback", "local:100/vm-100-data.raw", "nosuch"], 1, "no snapshots"),
      (["storage", "add", "nosuchtype", "s2"], 2, "nosuchtype"),
      (["storage", "add", "directory", "local", "-o", "path=/tmp", "--consent"], 6, "local"),
      (["storage", "add", "directory", "s2", "-o", "path=relative", "--consent"], 2, "path"),
      (["storage", "add", "directory", "s2", "-o", "path=/tmp", "-o", "bogus=1", "--consent"], 2, "bogus"),
      (["storage", "remove", "nosuch"], 5, "nosuch"),
      (["job", "show", "nosuch"], 5, "nosuch"),
      (["export", "local:100/vm-100-data.raw", "nosuch+size", host.directory.file("x")], 2, "nosuch+size"),
      (["import", "local", "raw+size", "/nonexistent/file", "--vmid", "1"], 1, "/nonexistent/file"),
    ]
    for (arguments, status, text) in cases {
      let run = await Program.run(
        Program.products + "/berth", arguments, environment: ["BERTH_SOCKET": host.socket])
      #expect(run.status == status, "berth \(arguments): \(run.errors)")
      #expect(run.errors.contains(text), "berth \(arguments): \(run.errors)")
      #expect(run.errors.lowercased().contains("error: "), "berth \(arguments): \(run.errors)")
    }
    #expect(try await host.volumes() == ["local:100/vm-100-data.raw"])
    #expect(access(host.directory.file("x"), F_OK) != 0, "a failed export leaves no file")
    #expect(access(host.directory.file("x.partial"), F_OK) != 0)
  }

  @Test func aFailureInJSONIsAProblemForPrograms() async throws {
    let host = try await Installation()
    try await host.start()
    let run = await host.berth("volume", "list", "nosuch", "--json")
    let problem = try JSON.parse(Array(run.errors.utf8))
    #expect(problem["status"] == 404)
    #expect(problem["outcome"] == "not_started")
    #expect(problem["where"] == "nosuch")
  }

  @Test func consentIsAskedForAndBoundToWhatWasShown() async throws {
    let host = try await Installation()
    try await host.start()
    let silent = await host.berth("storage", "add", "directory", "local", "-o", "path=\(host.store)")
    #expect(silent.status == 1)
    #expect(silent.errors.contains("fs rw"), "what it asks for is shown: \(silent.errors)")
    #expect(silent.errors.contains("--consent"))
    #expect(try await host.succeed("storage", "list", "--json") == #"{"items":[]}"#)
  }

  @Test func aStreamThatBreaksOffLeavesNoVolume() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    // Announces 4 MiB, brings 1.
    var stream: [UInt8] = [0, 0, 0x40, 0, 0, 0, 0, 0]
    stream += [UInt8](repeating: 0x61, count: 1 << 20)
    let short = await host.berth("import", "local", "raw+size", "-", "--vmid", "100", input: stream)
    #expect(short.status != 0)
    #expect(try await host.volumes().isEmpty)
    #expect(host.files().isEmpty)
    // A client that dies in the middle of an import of what would be the right length.
    let script = """
      import socket, sys
      s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); s.connect(sys.argv[1])
      s.sendall(b"POST /api/v1/storages/local/import?format=tar%2Bsize&vmid=100&image-format=subvol HTTP/1.1\\r\\n"
                b"Host: x\\r\\nTransfer-Encoding: chunked\\r\\nContent-Type: application/octet-stream\\r\\n\\r\\n"
                b"8\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\r\\n400\\r\\n" + b"\\0" * 1024 + b"\\r\\n")
      """
    _ = await Program.run("/usr/bin/python3", ["-c", script, host.socket])
    let settled = await eventually {
      let listed = await host.berth("volume", "list", "local", "--json")
      let locks = await host.berth("lock", "list", "--json").text
      return listed.status == 0 && listed.text.isEmpty && host.files().isEmpty && locks == #"{"items":[]}"#
    }
    #expect(settled, "volumes: \(host.files())")
  }

  @Test func aFullDiskIsSaidToBeFullAndLeavesNothing() async throws {
    let host = try await Installation()
    let small = host.directory.file("small")
    mkdir(small, 0o755)
    try await Program.tool("mount", "-t", "tmpfs", "-o", "size=4M,mode=0755", "tmpfs", small)
    defer { umount2(small, Int32(MNT_DETACH)) }
    try await host.start()
    try await host.addStorage(path: small)
    var stream: [UInt8] = [0, 0, 0x80, 0, 0, 0, 0, 0]
    stream += [UInt8](repeating: 0x61, count: 8 << 20)
    let run = await host.berth("import", "local", "raw+size", "-", "--vmid", "100", input: stream)
    #expect(run.status == 7, "\(run.errors)")
    #expect(try await host.volumes().isEmpty)
    #expect(Installation.entries(small + "/images/100").isEmpty)
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    await host.stop()
  }

  @Test func aBrokenSectionDisablesOnlyItself() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    await host.stop()
    let config = host.stateDirectory + "/storage.cfg"
    let before = readFile(config)
    let extra = Array("\n# kept\nalien: other\n\tsome thing\n\ndirectory: broken\n\tcontent images\n".utf8)
    writeFile(config, before + extra)
    try await host.start()
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    let list = try await host.succeed("storage", "list")
    #expect(list.contains("unusable"))
    #expect(await host.berth("volume", "list", "broken").status != 0)
    try await host.succeed("storage", "set", "local", "-o", "content=images")
    let after = String(decoding: readFile(config), as: UTF8.self)
    #expect(after.contains("# kept\nalien: other\n\tsome thing\n"), "unknown sections and comments survive: \(after)")
  }
}
