// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import PluginSupervisor

/// Export of a raw image without holes, as a plugin does it, against `cat` through a pipe.
///
/// Both sides read the same cached file, pass it through one pipe and end in /dev/null:
/// `cat image | cat >/dev/null` against image → plugin → FIFO → relay → /dev/null. The plugin is a small C program that
/// reads, sums up (with a digest) and writes, since it is the relay that is measured.
func benchmarkExport() async throws -> [Figure] {
  let gigabytes = getenv("BERTH_BENCH_EXPORT_GIB").flatMap { Int(String(cString: $0)) } ?? 4
  let directory = temporaryDirectory()
  let image = directory + "/image.raw"
  defer {
    unlink(image)
    rmdir(directory)
  }
  complain("export: writing an image of \(gigabytes) GiB")
  try writeImage(image, bytes: gigabytes << 30)

  let rounds = 3
  var cats: [Double] = []
  var plain: [Double] = []
  var crc: [Double] = []
  var growth: [Double] = []
  let size = Int64(gigabytes) << 30
  for _ in 0..<rounds {
    cats.append(try await speed(size) { try await catThroughPipe(image) })
    let before = residentBytes("VmRSS:")
    resetPeak()
    plain.append(try await speed(size) { try await export(image, size, in: directory, digest: nil) })
    crc.append(try await speed(size) { try await export(image, size, in: directory, digest: .crc32) })
    growth.append(Double(residentBytes("VmHWM:") - before) / Double(1 << 20))
  }
  let cat = median(cats)
  let peer = "cat | cat"
  return [
    Figure(
      name: "export without digest", figure: median(plain), peer: cat, peerName: peer, unit: "MB/s",
      target: .atLeast(0.8)),
    Figure(
      name: "export with crc32", figure: median(crc), peer: cat, peerName: peer, unit: "MB/s", target: .atLeast(0.4)),
    Figure(name: "export memory growth", figure: growth.max() ?? 0, peer: nil, unit: "MiB", target: .atMost(8)),
  ]
}

private func export(_ image: String, _ size: Int64, in directory: String, digest: DigestAlgorithm?) async throws {
  let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
  defer { close(null) }
  let streams = StreamDirectory(path: directory + "/streams", inside: directory + "/streams", owner: nil)
  defer { rmdir(directory + "/streams") }
  let (_, report) = try await StreamRelay.export(
    from: streams, to: .descriptor(null), options: StreamOptions(digest: digest)
  ) { stream -> Result<(Int, StreamClaim), BenchmarkError> in
    do {
      let arguments = ["copy", image, stream.path, digest == nil ? "none" : "crc32"]
      let answer = try await runPeer(arguments).split(separator: " ")
      guard let bytes = answer.first.flatMap({ Int64($0) }) else { throw BenchmarkError("bench-peer gave no count") }
      return .success(
        (0, StreamClaim(bytes: bytes, digest: digest.map { StreamDigest(algorithm: $0, value: String(answer[1])) })))
    } catch {
      return .failure(error as? BenchmarkError ?? BenchmarkError("\(error)"))
    }
  }
  guard report.bytes == size else { throw BenchmarkError("\(report.bytes) of \(size) bytes arrived") }
}

private func catThroughPipe(_ image: String) async throws {
  var ends: [Int32] = [0, 0]
  guard berth_pipe(&ends) == 0 else { throw BenchmarkError("no pipe") }
  let null = open("/dev/null", O_RDWR | O_CLOEXEC)
  let writer = try spawn("/bin/cat", [image], input: null, output: ends[1])
  let reader = try spawn("/bin/cat", [], input: ends[0], output: null)
  close(ends[0])
  close(ends[1])
  close(null)
  try await waitFor(writer)
  try await waitFor(reader)
}

/// Megabytes (10^6) a second.
private func speed(_ bytes: Int64, _ body: () async throws -> Void) async rethrows -> Double {
  let start = ContinuousClock.now
  try await body()
  return Double(bytes) / 1e6 / (start.duration(to: .now) / .seconds(1))
}

/// Fills a file with bytes that are no zeros and do not repeat in a page.
private func writeImage(_ path: String, bytes: Int) throws {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard file >= 0 else { throw BenchmarkError("cannot make \(path)") }
  defer { close(file) }
  var block = [UInt64](repeating: 0, count: (4 << 20) / 8)
  var state: UInt64 = 0x9e37_79b9_7f4a_7c15
  for place in block.indices {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    block[place] = state
  }
  for number in 0..<(bytes / (4 << 20)) {
    block[0] = UInt64(number)
    let written = block.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    guard written == 4 << 20 else { throw BenchmarkError("cannot fill \(path): is the disk full?") }
  }
}
