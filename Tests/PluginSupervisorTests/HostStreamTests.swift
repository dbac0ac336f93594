// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import TestSupport
import Testing

@testable import PluginSupervisor

/// A call's stream, moved by the host in the plugin's place.
@Suite(.timeLimit(.minutes(1)))
struct HostStreamTests {
  private static let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }

  private func fifo(_ directory: TemporaryDirectory) throws -> String {
    try #require(mkfifo(directory.file("data"), 0o600) == 0)
    return directory.file("data")
  }

  private func pipe() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(berth_pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count <= 0 { break }
      rest = rest.dropFirst(count)
    }
    close(descriptor)
  }

  private static func readAll(_ descriptor: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 { all += chunk[..<count] }
    close(descriptor)
    return all
  }

  private var claim: StreamClaim {
    var hasher = StreamHasher(.sha256)
    Self.bytes.withUnsafeBytes { hasher.update($0) }
    return StreamClaim(bytes: Int64(Self.bytes.count), digest: hasher.digest())
  }

  @Test func anExportIsCountedAndDigested() async throws {
    let directory = TemporaryDirectory(prefix: "berth-stream")
    let path = try fifo(directory)
    let (reader, writer) = try pipe()
    let end = open(path, O_RDONLY | O_NONBLOCK)
    _ = berth_set_nonblocking(end, 0)
    async let moved = HostStream(path: path, isExport: true, digest: .sha256).move(reader)
    async let taken = OwnThread.run { Self.readAll(end) }
    await OwnThread.run { Self.write(Self.bytes, to: writer) }
    #expect(await moved == .success(claim))
    #expect(await taken == Self.bytes)
  }

  /// The writer comes late: an unopened FIFO must not look like an empty stream.
  @Test func anImportWaitsForItsWriterAndEndsWithIt() async throws {
    let directory = TemporaryDirectory(prefix: "berth-stream")
    let path = try fifo(directory)
    let (reader, writer) = try pipe()
    async let moved = HostStream(path: path, isExport: false, digest: .sha256).move(writer)
    async let taken = OwnThread.run { Self.readAll(reader) }
    try await Task.sleep(for: .milliseconds(50))
    await OwnThread.run { Self.write(Self.bytes, to: open(path, O_WRONLY)) }
    #expect(await moved == .success(claim))
    #expect(await taken == Self.bytes)
  }

  @Test func aStreamThatIsTooLongIsCutAndAReaderThatGoesIsNoticed() async throws {
    let directory = TemporaryDirectory(prefix: "berth-stream")
    let path = try fifo(directory)
    let stream = HostStream(path: path, isExport: false, digest: nil)
    for limit in [Int64(Self.bytes.count) - 1, Int64(Self.bytes.count)] {
      let (reader, writer) = try pipe()
      async let moved = stream.move(writer, limit: limit)
      async let taken = OwnThread.run { Self.readAll(reader) }
      await OwnThread.run { Self.write(Self.bytes, to: open(path, O_WRONLY)) }
      let result = await moved
      #expect(((try? result.get()) != nil) == (limit == Self.bytes.count), "\(limit): \(result)")
      #expect(await taken.count <= limit)
    }
    let (reader, writer) = try pipe()
    async let moved = stream.move(writer)
    // Nothing is ever written: only the other end's going away can end it.
    close(reader)
    guard case .failure(let failure) = await moved else { return _ = Issue.record("it ended well") }
    #expect(failure.code == .gone)
  }

  @Test func whatIsNoStreamIsRefused() async throws {
    let directory = TemporaryDirectory(prefix: "berth-stream")
    directory.write("data", [1, 2, 3])
    let (reader, writer) = try pipe()
    defer { close(reader) }
    let result = await HostStream(path: directory.file("data"), isExport: false, digest: nil).move(writer)
    guard case .failure(let failure) = result else { return _ = Issue.record("a file was read") }
    #expect(failure.code == .setup)
  }
}
