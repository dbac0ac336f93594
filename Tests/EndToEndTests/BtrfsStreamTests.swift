// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import TestSupport
import Testing

/// The format `btrfs` between two storages on file systems of their own: from the command line through the daemon, the
/// plugin, the broker and its worker, and through the daemon's death.
@Suite("Btrfs streams", .serialized, .requires(.root), .timeLimit(.minutes(10)))
struct BtrfsStreamTests {
  private static let volume = "one:100/vm-100-disk-0.raw"
  private static let grant = "broker host.btrfs.*"

  /// A daemon with the storages `one` and `two`, each on a btrfs of its own.
  private final class Place: Sendable {
    let host: Installation

    init() async throws {
      host = try await Installation()
      for name in ["one", "two"] {
        let (image, path) = (host.directory.file("\(name).img"), host.directory.file(name))
        mkdir(path, 0o755)
        let made = Self.shell(
          "truncate -s 512M '\(image)' && mkfs.btrfs -q '\(image)' && "
            + "mount -o loop,user_subvol_rm_allowed '\(image)' '\(path)'")
        try #require(made == 0, "no btrfs can be made on a loop device here")
      }
      try await host.start()
      for name in ["one", "two"] {
        try await host.succeed(
          "storage", "add", "btrfs", name, "--option", "path=\(path(name))", "--consent")
      }
    }

    deinit {
      for name in ["one", "two"] { Self.shell("umount -l '\(host.directory.file(name))'") }
    }

    func path(_ name: String) -> String { host.directory.file(name) }

    @discardableResult
    static func shell(_ command: String) -> Int32 { system("{ \(command)\n} >/dev/null 2>&1") }

    /// A disk of 16 MiB, half of it noise, with the snapshot `s1`.
    func disk() async throws {
      try #require(try await host.succeed("volume", "alloc", "one", "100", "16M") == BtrfsStreamTests.volume)
      let file = try await file(BtrfsStreamTests.volume)
      try #require(Self.shell("dd if=/dev/urandom of='\(file)' bs=1M count=8 conv=notrunc") == 0)
      try await host.succeed("snapshot", "create", BtrfsStreamTests.volume, "s1")
    }

    /// A little more on the disk, and the snapshot `s2`.
    func change() async throws {
      let file = try await file(BtrfsStreamTests.volume)
      try #require(Self.shell("echo changed | dd of='\(file)' bs=1M seek=12 conv=notrunc") == 0)
      try await host.succeed("snapshot", "create", BtrfsStreamTests.volume, "s2")
    }

    func file(_ volid: String, _ snapshot: String? = nil) async throws -> String {
      let path = try await host.succeed("volume", "path", volid)
      guard let snapshot else { return path }
      return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "@\(snapshot)/disk.raw"
    }

    func areEqual(_ one: String, _ other: String) -> Bool { Self.shell("cmp '\(one)' '\(other)'") == 0 }
  }

  @Test func aSnapshotTravelsAndWhatCameAfterItToo() async throws {
    let place = try await Place()
    let host = place.host
    try await place.disk()
    // As a file, through export and import.
    let file = host.directory.file("stream")
    let wrote = try await host.succeed(
      "export", Self.volume, "btrfs", file, "--snapshot", "s1", "--json", "--digest", "sha256")
    let whole = try #require(try JSON.parse(Array(wrote.utf8))["bytes"]?.intValue)
    #expect(whole > 8 << 20)
    #expect(try JSON.parse(Array(wrote.utf8))["digest"]?.stringValue?.hasPrefix("sha256:") == true)
    let made = try await host.succeed("import", "two", "btrfs", file, "--vmid", "100", "--snapshot", "s1")
    #expect(made == "two:100/vm-100-disk-0.raw")
    let source = try await place.file(Self.volume, "s1")
    let target = try await place.file(made)
    #expect(place.areEqual(source, target))

    // What came after it, from storage to storage.
    try await place.change()
    let copied = try await host.succeed(
      "volume", "copy", Self.volume, "two", "--name", "100/vm-100-disk-0.raw", "--snapshot", "s2", "--base", "s1",
      "--json")
    let increment = try #require(Self.bytes(copied), "\(copied)")
    #expect(increment * 20 < whole, "\(increment) of \(whole)")
    let changed = try await place.file(Self.volume, "s2")
    let after = try await place.file(made)
    #expect(place.areEqual(changed, after))
    #expect(!place.areEqual(source, after), "positive control: there was a change")
    let snapshots = try await host.succeed("snapshot", "list", made)
    #expect(snapshots.contains("s1") && snapshots.contains("s2"), "\(snapshots)")

    // A base that is not there, and a volume that is not there, are refused before anything moves.
    let noBase = await host.berth(
      "volume", "copy", Self.volume, "two", "--name", "100/vm-100-disk-0.raw", "--snapshot", "s2", "--base", "s9")
    #expect(noBase.status != 0 && noBase.errors.contains("s9"), "\(noBase)")
    let noName = await host.berth("volume", "copy", Self.volume, "two", "--snapshot", "s2", "--base", "s1")
    #expect(noName.status != 0 && noName.errors.contains("name the target volume"), "\(noName)")

    // All of it at once, and as a move. The file system tells received snapshots apart by the sender's id.
    try await host.succeed("volume", "free", made)
    let all = try await host.succeed(
      "volume", "copy", Self.volume, "two", "--vmid", "101", "--snapshot", "s2", "--with-snapshots")
    let first = try await place.file(all, "s1")
    let last = try await place.file(all)
    #expect(place.areEqual(source, first) && place.areEqual(changed, last))
    let moved = try await host.succeed("volume", "move", Self.volume, "two", "--vmid", "102", "--snapshot", "s2")
    let there = try await place.file(moved)
    #expect(place.areEqual(last, there))
    #expect(try await host.volumes("one") == [])
    #expect(Self.strays(place.path("one")) + Self.strays(place.path("two")) == [])
    #expect(await host.stop() == 0)
  }

  @Test func withoutTheGrantItIsNotOffered() async throws {
    let place = try await Place()
    let host = place.host
    try await place.disk()
    let shown = try await host.succeed("plugin", "permissions", "show", "--storage", "one")
    #expect(shown.contains("yes  \(Self.grant)"), "\(shown)")
    try await host.succeed("plugin", "permissions", "revoke", "--storage", "one", Self.grant)
    let refused = await host.berth("export", Self.volume, "btrfs", host.directory.file("no"), "--snapshot", "s1")
    #expect(refused.status != 0 && refused.errors.contains("raw+size"), "\(refused)")
    // A copy falls back to what both know.
    let copy = try await host.succeed("volume", "copy", Self.volume, "two", "--snapshot", "s1")
    let (source, target) = (try await place.file(Self.volume, "s1"), try await place.file(copy))
    #expect(place.areEqual(source, target))
    try await host.succeed("plugin", "permissions", "grant", "--storage", "one", Self.grant)
    try await host.succeed("export", Self.volume, "btrfs", host.directory.file("yes"), "--snapshot", "s1")
  }

  /// As behind a launcher's unit without its drop-in: granted, but nobody there may do it.
  @Test func withoutALauncherThatMayItIsNotOffered() async throws {
    let place = try await Place()
    let host = place.host
    try await place.disk()
    #expect(await host.stop() == 0)
    // Not beside the storages: where the launcher stands nothing is granted.
    let elsewhere = TemporaryDirectory(prefix: "berth-e2e-launcher")
    let script = """
      #!/bin/sh
      exec setpriv --bounding-set=-fowner,-chown,-fsetid,-setfcap '\(Program.products)/berth-launcher' "$@"

      """
    let less = elsewhere.write("launcher", script, mode: 0o755)
    try await host.start("--launcher", less)
    let refused = await host.berth("export", Self.volume, "btrfs", host.directory.file("no"), "--snapshot", "s1")
    #expect(refused.status != 0 && refused.errors.contains("raw+size"), "\(refused)")
    let copy = try await host.succeed("volume", "copy", Self.volume, "two", "--snapshot", "s1", "--json")
    #expect(!copy.contains("btrfs"), "\(copy)")
    let made = try #require(try await host.volumes("two").first)
    let (source, target) = (try await place.file(Self.volume, "s1"), try await place.file(made))
    #expect(place.areEqual(source, target))
    #expect(host.log.contains("host.btrfs.receive") && host.log.contains("berth-launcher-broker.conf"))
    // The next launcher may: nothing of it was remembered.
    #expect(await host.stop() == 0)
    try await host.start()
    try await host.succeed("export", Self.volume, "btrfs", host.directory.file("yes"), "--snapshot", "s1")
  }

  @Test func aBrokenStreamAndADeadDaemonLeaveNothing() async throws {
    let place = try await Place()
    let host = place.host
    try await place.disk()
    let file = host.directory.file("stream")
    try await host.succeed("export", Self.volume, "btrfs", file, "--snapshot", "s1")
    Place.shell("head -c 4000000 '\(file)' > '\(file).cut'")
    let cut = await host.berth("import", "two", "btrfs", file + ".cut", "--vmid", "100", "--snapshot", "s1")
    #expect(cut.status != 0, "\(cut)")
    #expect(try await host.volumes("two") == [])
    #expect(Self.strays(place.path("two")) == [])

    // The daemon dies while half of it is there.
    let client = Program.start(
      "/bin/sh",
      [
        "-c",
        "{ head -c 4000000 '\(file)'; exec sleep 300; } | '\(Program.products)/berth' import two btrfs - "
          + "--vmid 100 --snapshot s1",
      ], environment: ["BERTH_SOCKET": host.socket], output: -1, errors: -1, ownGroup: true)
    try #require(client > 0)
    let arriving = "'\(place.path("two"))'/images/100/.berth-rcv-*/t/*/disk.raw"
    let isUnderWay = await eventually { Place.shell("test -s \"$(echo \(arriving))\"") == 0 }
    #expect(isUnderWay, "positive control: \(Self.strays(place.path("two")))")
    #expect(await host.stop(SIGKILL) == 128 + SIGKILL)
    kill(-client, SIGKILL)
    _ = await Program.wait(client)
    try await host.start()
    try await host.succeed("storage", "activate", "two")
    let isClean = await eventually { Self.strays(place.path("two")) == [] }
    #expect(isClean, "\(Self.strays(place.path("two")))")
    #expect(try await host.volumes("two") == [])
    let made = try await host.succeed("import", "two", "btrfs", file, "--vmid", "100", "--snapshot", "s1")
    let (source, target) = (try await place.file(Self.volume, "s1"), try await place.file(made))
    #expect(place.areEqual(source, target))
  }

  /// Unfinished work in a storage's guests' directories.
  private static func strays(_ path: String) -> [String] {
    Installation.entries(path + "/images").flatMap { Installation.entries("\(path)/images/\($0)") }
      .filter { $0.hasPrefix(".berth") }
  }

  /// The bytes of a transfer's report, or of the job that it ended in.
  private static func bytes(_ text: String) -> Int64? {
    for line in text.split(separator: "\n") {
      guard let json = try? JSON.parse(Array(line.utf8)) else { continue }
      if let bytes = json["bytes"]?.intValue ?? json["result"]?["bytes"]?.intValue { return bytes }
    }
    return nil
  }
}
