// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import BerthClient
import CShims
import Glibc
import JSON

/// Long listings: what the daemon adds to the plugin's own time, when the first volume arrives, what it costs in memory.
func benchmarkLists() async throws -> [Figure] {
  try await BenchDaemon.with { try await measure($0) }
}

private func measure(_ daemon: BenchDaemon) async throws -> [Figure] {
  var figures: [Figure] = []
  for (count, rounds) in [(10_000, 9), (100_000, 1)] {
    let storeid = "bench\(count)"
    let path = daemon.makeDirectory(storeid)
    try makeVolumes(count, in: path)
    let own = try ownTime(daemon, path, rounds)
    try await daemon.add(storeid, type: "directory", plugin: "org.berth.sample.directory", path: path)
    _ = try await listing(daemon, storeid, expecting: count)
    resetPeak(of: daemon.pid)
    let before = residentBytes("VmRSS:", of: daemon.pid)
    var totals: [Double] = []
    var firsts: [Double] = []
    for _ in 0..<rounds {
      let (first, total) = try await listing(daemon, storeid, expecting: count)
      firsts.append(first)
      totals.append(total)
    }
    let growth = Double(residentBytes("VmHWM:", of: daemon.pid) - before) / 1_048_576
    let name = "lists \(count)"
    figures += [
      Figure(
        name: name, figure: median(totals), peer: own, peerName: "the plugin's own time", unit: "ms",
        target: count == 10_000 ? .atMost(2) : .none),
      Figure(
        name: name + " first volume", figure: median(firsts), peer: own,
        peerName: "when the last one leaves the plugin", unit: "ms", target: .atMost(0.99)),
      Figure(name: name + " daemon memory growth", figure: growth, unit: "MiB", target: .atMost(16)),
    ]
  }
  return figures
}

/// Sparse raw disks, a hundred to a guest, as the directory plugin keeps them.
private func makeVolumes(_ count: Int, in path: String) throws {
  mkdir(path + "/images", 0o755)
  for index in 0..<count {
    let vmid = 100 + index / 100
    if index % 100 == 0 { mkdir("\(path)/images/\(vmid)", 0o755) }
    let file = open(
      "\(path)/images/\(vmid)/vm-\(vmid)-disk-\(index % 100).raw", O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
    guard file >= 0, ftruncate(file, 1 << 20) == 0 else { throw BenchmarkError("cannot make volumes in \(path)") }
    close(file)
  }
}

/// How long the plugin takes to list everything when nobody stands between, in ms; the middle of some rounds.
private func ownTime(_ daemon: BenchDaemon, _ path: String, _ rounds: Int) throws -> Double {
  let plugin = try BarePlugin(
    program: daemon.plugins + "/directory/directory.py", type: "directory",
    stateDirectory: daemon.makeDirectory("state-of-the-bare-plugin"))
  let scfg: JSON = ["type": "directory", "path": .string(path), "content": ["images"]]
  _ = try plugin.ask("activate_storage", ["storeid": "bench", "scfg": scfg, "context": ["timeoutMs": 60_000]])
  var times: [Double] = []
  for round in 0...rounds {
    var time = 0.0
    var cursor: JSON?
    repeat {
      var params: JSONObject = [
        "storeid": "bench", "scfg": scfg, "limit": 500, "context": ["timeoutMs": 60_000],
      ]
      params["cursor"] = cursor
      let page = try plugin.ask("list_volumes", params)
      time += page.time
      cursor = page.result["nextCursor"]
    } while cursor != nil
    // The first round warms the kernel's caches.
    if round > 0 { times.append(time) }
  }
  return median(times)
}

/// Lists everything over HTTP: ms until the first volume and until the last.
private func listing(
  _ daemon: BenchDaemon, _ storeid: String, expecting count: Int
) async throws -> (first: Double, total: Double) {
  let start = berth_monotonic_ns()
  var first = 0.0
  var seen = 0
  try await daemon.client.eachVolume(storeid) { _ in
    if seen == 0 { first = Double(berth_monotonic_ns() - start) / 1e6 }
    seen += 1
  }
  guard seen == count else { throw BenchmarkError("\(seen) of \(count) volumes were listed") }
  return (first, Double(berth_monotonic_ns() - start) / 1e6)
}
