// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import BerthClient
import Glibc

/// Export of a raw image without holes by the command line, from a sandboxed plugin through the daemon into a pipe, as
/// `berth export … - | cat >/dev/null`, against `cat image | cat >/dev/null`; and what it costs the daemon in memory.
func benchmarkExport() async throws -> [Figure] {
  try await BenchDaemon.with { try await measure($0) }
}

private func measure(_ daemon: BenchDaemon) async throws -> [Figure] {
  let size = Int64(exportedBytes)
  let path = daemon.makeDirectory("export")
  try await daemon.add("bench", type: "directory", plugin: "org.berth.sample.directory", path: path)
  mkdir(path + "/images", 0o755)
  mkdir(path + "/images/100", 0o755)
  let image = path + "/images/100/vm-100-disk-0.raw"
  complain("export: writing an image of \(size >> 30) GiB")
  try writeImage(image, bytes: exportedBytes)
  let volume = "bench:100/vm-100-disk-0.raw"
  let berth = programDirectory() + "/berth"
  func export(_ digest: [String]) async throws {
    try await pipeline(
      (berth, ["export", volume, "raw+size", "-", "--socket", daemon.socket] + digest), ("/bin/cat", []))
  }
  // Once for the kernel's caches and the plugin's start.
  try await export([])
  var cats: [Double] = []
  var plain: [Double] = []
  var crc: [Double] = []
  resetPeak(of: daemon.pid)
  let before = residentBytes("VmRSS:", of: daemon.pid)
  for _ in 0..<3 {
    cats.append(try await speed(size) { try await pipeline(("/bin/cat", [image]), ("/bin/cat", [])) })
    plain.append(try await speed(size) { try await export([]) })
    crc.append(try await speed(size) { try await export(["--digest", "crc32"]) })
  }
  let growth = Double(residentBytes("VmHWM:", of: daemon.pid) - before) / 1_048_576
  let (cat, peer) = (median(cats), "cat | cat")
  return [
    Figure(
      name: "export through the daemon", figure: median(plain), peer: cat, peerName: peer, unit: "MB/s",
      target: .atLeast(0.8)),
    Figure(
      name: "export through the daemon, crc32", figure: median(crc), peer: cat, peerName: peer, unit: "MB/s",
      target: .atLeast(0.4)),
    Figure(name: "export through the daemon, its memory growth", figure: growth, unit: "MiB", target: .atMost(8)),
  ]
}
