// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A storage whose plugin has the host mount a file system in a file: the whole way from the command line through the
/// daemon, the plugin, the broker and its worker, and through the daemon's death.
@Suite("Mounts for plugins", .serialized, .requires(.root), .timeLimit(.minutes(5)))
struct BrokerMountTests {
  @Test(arguments: ["ext4", "btrfs"]) func aMountOfAPluginOutlivesItsDaemonAndGoesWithItsStorage(
    _ type: String
  ) async throws {
    let host = try await Installation()
    _ = try await Program.tool(
      "python3", Program.checkout + "/scripts/bundle", Program.checkout + "/Tests/SamplePlugins/loop", host.plugins)
    _ = try await Program.tool("truncate", "-s", "128M", host.store + "/disk.img")
    _ = try await Program.tool("mkfs.\(type)", "-q", host.store + "/disk.img")
    try await host.start()
    try await host.succeed(
      "storage", "add", "loop", "looped", "--option", "path=\(host.store)", "--option", "fs=\(type)", "--consent")

    // What the running plugin makes lies in the image and nowhere else: it sees the mount.
    let volume = try await host.succeed("volume", "alloc", "looped", "100", "1M")
    let mounts = Self.mounts(of: host)
    #expect(mounts.count == 1, "\(mounts)")
    let place = try #require(mounts.first)
    #expect(Installation.entries(place + "/images/100").count == 1)
    #expect(Installation.entries(host.store) == ["disk.img"])
    #expect(Leftovers(host).loops().filter { $0.hasSuffix("/disk.img") }.count == 1)

    // The mount stays through the daemon's death; the next one takes it over: not lost, not doubled.
    #expect(await host.stop(SIGKILL) == 128 + SIGKILL)
    #expect(Self.mounts(of: host) == mounts, "positive control: the mount outlasts the daemon")
    try await host.start()
    #expect(try await host.volumes("looped") == [volume])
    #expect(Self.mounts(of: host) == mounts)
    #expect(Leftovers(host).loops().filter { $0.hasSuffix("/disk.img") }.count == 1)

    // Let go of by the plugin, and made again when it is needed.
    try await host.succeed("storage", "deactivate", "looped")
    #expect(Self.mounts(of: host) == [])
    #expect(try await host.volumes("looped") == [volume])
    #expect(Self.mounts(of: host).count == 1)

    // A storage that is gone has no mount, and its file system has what was written.
    try await host.succeed("volume", "free", volume)
    try await host.succeed("storage", "remove", "looped")
    let gone = await eventually { Self.mounts(of: host).isEmpty && Leftovers(host).loops().isEmpty }
    #expect(gone, "\(Self.mounts(of: host)) \(Leftovers(host).loops())")
    #expect(await host.stop() == 0)
  }

  /// What a plugin works without is no reason not to start it: behind a launcher that may make no mounts, as without its
  /// drop-in, they are not offered.
  @Test func aPluginStartsWithoutTheMountsThatItWorksWithout() async throws {
    let host = try await Installation()
    let manifest = "\(host.plugins)/directory/manifest.json"
    let ask = """
      import json, sys
      manifest = json.load(open(sys.argv[1]))
      manifest["permissions"]["broker"] = [
          {"operation": "host.mount", "limits": {"kind": "loop"}, "reason": "images", "optional": True},
          {"operation": "host.device.open", "reason": "images", "optional": True}]
      json.dump(manifest, open(sys.argv[1], "w"))
      """
    _ = try await Program.tool("python3", "-c", ask, manifest)
    let elsewhere = TemporaryDirectory(prefix: "berth-e2e-launcher")
    let script = Array(
      """
      #!/bin/sh
      exec setpriv --bounding-set=-dac_override '\(Program.products)/berth-launcher' "$@"

      """.utf8)
    chmod(elsewhere.path, 0o755)
    let less = elsewhere.write("launcher", script, mode: 0o755)
    // Not below /tmp, which inside belongs to the plugin: such a launcher could not go through it.
    let store = "/srv/berth-e2e-\(getpid())"
    _ = try await Program.tool("mkdir", "-p", store)
    defer { system("rm -rf '\(store)'") }
    try await host.start("--launcher", less)
    try await host.succeed("storage", "add", "directory", "plain", "--option", "path=\(store)", "--consent")
    let volume = try await host.succeed("volume", "alloc", "plain", "100", "1M", "--format", "raw")
    #expect(try await host.volumes("plain") == [volume])
    #expect(host.log.contains("host.mount") && host.log.contains("berth-launcher-broker.conf"))
    #expect(ProcessTable.mounts(host.runDirectory).filter { $0.contains("/dev ") || $0.contains("/mounts ") } == [])
    // The next launcher may: the places are there.
    #expect(await host.stop() == 0)
    try await host.start()
    #expect(try await host.volumes("plain") == [volume])
    #expect(!ProcessTable.mounts(host.runDirectory).filter { $0.contains("/mounts ") }.isEmpty, "positive control")
  }

  /// Where plugins' file systems are mounted now, the prepared places themselves aside.
  private static func mounts(of host: Installation) -> [String] {
    ProcessTable.mounts(host.runDirectory).compactMap { line in
      let fields = line.split(separator: " ")
      return fields.count > 4 && fields[4].contains("/mounts/") ? String(fields[4]) : nil
    }
  }
}
