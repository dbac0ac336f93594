// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import PluginSupervisor

/// The relay alone: a raw image without holes, as a plugin exports it, against `cat` through a pipe.
///
/// Both sides read the same cached file, pass it through one pipe and end in /dev/null:
/// `cat image | cat >/dev/null` against image → plugin → FIFO → relay → /dev/null. The plugin is a small C program that
/// reads, sums up (with a digest) and writes, since it is the relay that is measured.
func benchmarkRelay() async throws -> [Figure] {
  let directory = temporaryDirectory()
  let image = directory + "/image.raw"
  defer {
    unlink(image)
    rmdir(directory)
  }
  complain("relay: writing an image of \(exportedBytes >> 30) GiB")
  try writeImage(image, bytes: exportedBytes)

  let rounds = 3
  var cats: [Double] = []
  var plain: [Double] = []
  var crc: [Double] = []
  var growth: [Double] = []
  let size = Int64(exportedBytes)
  for _ in 0..<rounds {
    cats.append(try await speed(size) { try await pipeline(("/bin/cat", [image]), ("/bin/cat", [])) })
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
      name: "relay without digest", figure: median(plain), peer: cat, peerName: peer, unit: "MB/s",
      target: .atLeast(0.8)),
    Figure(
      name: "relay with crc32", figure: median(crc), peer: cat, peerName: peer, unit: "MB/s", target: .atLeast(0.4)),
    Figure(name: "relay memory growth", figure: growth.max() ?? 0, peer: nil, unit: "MiB", target: .atMost(8)),
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
