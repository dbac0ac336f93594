// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The command line's own words.
@Suite("Help", .timeLimit(.minutes(5)))
struct HelpTests {
  private func help(_ arguments: String...) async -> String {
    let run = await Program.run(
      Program.products + "/berth", arguments + ["--help"], environment: ["COLUMNS": "80"])
    #expect(run.status == 0, "\(run.errors)")
    return run.text.hasSuffix("\n") ? String(run.text.dropLast()) : run.text
  }

  @Test func theRootTellsEveryCommandAndExitCode() async {
    let text = await help()
    for command in [
      "call", "config", "daemon", "export", "import", "job", "lock", "plugin", "prune", "reconcile", "snapshot",
      "storage",
      "version", "volume",
    ] { #expect(text.contains("\n  \(command) "), "\(command)") }
    for code in 0...10 { #expect(text.contains("\n  \(code) "), "exit code \(code)") }
  }

  @Test func allocatingIsExplainedWhole() async {
    #expect(
      await help("volume", "alloc") == """
        OVERVIEW: Make a volume; its id is printed.

        USAGE: berth volume alloc [--socket <path>] [--json] <storage> <vmid> <size> [--format <format>] [--name <name>] [--detach] [--idempotency-key <idempotency-key>]

        ARGUMENTS:
          <storage>               The storage.
          <vmid>                  The number of the guest that will own it.
          <size>                  Its size: bytes, or with K, M, G, T.

        OPTIONS:
          --socket <path>         The daemon's socket.
          --json                  Print JSON for programs.
          --format <format>       Its format, such as raw or qcow2; the storage's
                                  default without.
          --name <name>           Its name; the next free one without.
          --detach                Do not wait: print the job's id and return.
          --idempotency-key <idempotency-key>
                                  A key that makes it safe to repeat this very request.
          --version               Show the version.
          -h, --help              Show help information.
        """)
  }

  @Test(arguments: [
    ["call"], ["config", "check"], ["config", "digest"], ["daemon", "metrics"], ["daemon", "status"], ["export"],
    ["import"],
    ["job", "cancel"], ["job", "list"], ["job", "log"], ["job", "show"], ["job", "wait"], ["lock", "list"],
    ["plugin", "learn"], ["plugin", "list"], ["plugin", "permissions", "grant"], ["plugin", "permissions", "revoke"],
    ["plugin", "permissions", "show"], ["plugin", "release"], ["plugin", "rescan"], ["plugin", "show"],
    ["prune", "run"],
    ["prune", "simulate"], ["reconcile"],
    ["snapshot", "create"], ["snapshot", "delete"], ["snapshot", "list"], ["snapshot", "rename"],
    ["snapshot", "rollback"], ["storage", "activate"], ["storage", "add"], ["storage", "deactivate"],
    ["storage", "list"], ["storage", "remove"], ["storage", "set"], ["storage", "show"], ["storage", "status"],
    ["version"], ["volume", "activate"], ["volume", "alloc"], ["volume", "deactivate"], ["volume", "has-feature"],
    ["volume", "map"], ["volume", "unmap"], ["volume", "base"], ["volume", "clone"], ["volume", "copy"],
    ["volume", "free"],
    ["volume", "info"], ["volume", "list"], ["volume", "move"], ["volume", "next-name"], ["volume", "notes"],
    ["volume", "parse"], ["volume", "path"], ["volume", "protect"], ["volume", "rename"], ["volume", "resize"],
  ])
  func everyCommandExplainsItself(_ command: [String]) async {
    let run = await Program.run(Program.products + "/berth", command + ["--help"])
    #expect(run.status == 0)
    #expect(run.text.hasPrefix("OVERVIEW: "))
    #expect(run.text.contains("USAGE: berth \(command.joined(separator: " "))"))
  }

  @Test func aSecretIsNeverTakenFromTheCommandLine() async {
    let run = await Program.run(
      Program.products + "/berth", ["storage", "add", "x", "y", "--secret", "password=hunter2"])
    #expect(run.status == 2)
    let berthd = await Program.run(Program.products + "/berthd", ["--help"])
    #expect(berthd.text.contains("--state-dir"))
  }

  @Test func toolsThatNeedNoDaemonAnswerWithoutOne() async {
    let parse = await Program.run(
      Program.products + "/berth", ["volume", "parse", "100/vm-100-disk-0.raw", "100/snap-x.qcow2", "--json"])
    #expect(parse.status == 1, "one of the names is refused")
    #expect(parse.text.split(separator: "\n").count == 2)
    let name = await Program.run(
      Program.products + "/berth", ["volume", "next-name", "100", "100/vm-100-disk-0.raw"])
    #expect(name.text == "vm-100-disk-1.raw")
    let config = await Program.run(
      Program.products + "/berth", ["config", "check", "-", "--json"],
      input: Array("dir: local\n\tpath /var/lib/vz\n\nbogus line\n".utf8))
    #expect(config.text.contains(#""storeid":"local""#))
    #expect(config.text.contains(#""line":4"#), "\(config.text)")
    let prune = await Program.run(
      Program.products + "/berth", ["prune", "simulate", "keep-last=1", "--json"],
      input: Array(
        """
        {"volid":"b:backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst","ctime":1767225600,"vmid":100}
        {"volid":"b:backup/vzdump-qemu-100-2026_01_02-00_00_00.vma.zst","ctime":1767312000,"vmid":100}
        """.utf8))
    #expect(prune.text.contains(#""mark":"keep""#))
    #expect(prune.text.contains(#""mark":"remove""#))
  }
}
