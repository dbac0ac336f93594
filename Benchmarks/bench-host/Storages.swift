// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import BerthClient
import CShims
import Glibc
import JSON

/// Two hundred storages, one of which hangs in the kernel (state D): what the others notice of it.
func benchmarkStorages() async throws -> [Figure] {
  guard geteuid() == 0, access("/dev/fuse", R_OK | W_OK) == 0 else {
    throw BenchmarkError("needs root and /dev/fuse, for a file system that never answers")
  }
  return try await BenchDaemon.with { daemon in
    let hanging = try await HangingDirectory(daemon.makeDirectory("hanging"))
    defer { hanging.end() }
    return try await measure(daemon, hanging)
  }
}

private let others = 199

private func measure(_ daemon: BenchDaemon, _ hanging: HangingDirectory) async throws -> [Figure] {
  for index in 0..<others {
    try await daemon.add(
      "s\(index)", type: "minimal", plugin: "org.berth.sample.minimal", path: daemon.makeDirectory("s\(index)"))
  }
  try await daemon.add("hung", type: "minimal", plugin: "org.berth.sample.minimal", path: hanging.path)
  try await daemon.client.eachVolume("hung") { _ in }
  _ = try await times(daemon)
  let idle = try await times(daemon)
  hanging.hang()
  // Clients that go on asking the storage that hangs, as a cluster's schedulers do.
  let client = daemon.client
  let askers = (0..<8).map { _ in
    Task {
      while !Task.isCancelled {
        try? await client.eachVolume("hung") { _ in }
        try? await Task.sleep(for: .milliseconds(20))
      }
    }
  }
  try await Task.sleep(for: .seconds(2))
  let beside = try await times(daemon)
  for asker in askers { asker.cancel() }
  return [
    Figure(
      name: "storages p99 of 199 beside one in state D", figure: percentile(beside, 0.99),
      peer: percentile(idle, 0.99), peerName: "all 200 well", unit: "ms", target: .atMost(2)),
    Figure(
      name: "storages p50 of 199 beside one in state D", figure: median(beside), peer: median(idle),
      peerName: "all 200 well", unit: "ms", target: .none),
  ]
}

/// Lists each of the others five times, four clients at a time; ms a request.
private func times(_ daemon: BenchDaemon) async throws -> [Double] {
  let client = daemon.client
  return try await withThrowingTaskGroup(of: [Double].self) { group in
    for part in 0..<4 {
      group.addTask {
        var times: [Double] = []
        for _ in 0..<5 {
          for index in stride(from: part, to: others, by: 4) {
            let start = berth_monotonic_ns()
            try await client.eachVolume("s\(index)") { _ in }
            times.append(Double(berth_monotonic_ns() - start) / 1e6)
          }
        }
        return times
      }
    }
    return try await group.reduce(into: []) { $0 += $1 }
  }
}

/// A mounted file system whose server can be told never to answer again.
final class HangingDirectory {
  let path: String
  private var pid: pid_t

  init(_ path: String) async throws {
    self.path = path
    var ends: [Int32] = [0, 0]
    guard berth_pipe(&ends) == 0 else { throw BenchmarkError("no pipe") }
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    pid = try spawn(peerProgram(), ["fuse", path], input: null, output: ends[1])
    close(null)
    close(ends[1])
    let output = ends[0]
    let isMounted = await onThread { () -> Bool in
      var byte: UInt8 = 0
      defer { close(output) }
      return read(output, &byte, 1) == 1
    }
    guard isMounted else { throw BenchmarkError("the file system could not be mounted at \(path)") }
  }

  /// From now on whoever asks waits beyond any signal.
  func hang() { kill(pid, SIGUSR1) }

  /// Ends the server and with it every wait.
  func end() {
    guard pid > 0 else { return }
    kill(pid, SIGTERM)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    pid = 0
  }
}
