// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import StoragePluginKit
import StorageProtocol
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
  static func digest(_ text: String, _ algorithm: WireDigestAlgorithm, chunk: Int) throws -> String? {
    var digester = try StreamDigester(algorithm)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      rest.prefix(chunk).withUnsafeBytes { digester.update($0) }
      rest = rest.dropFirst(chunk)
    }
    return digester.digest()?.value
  }

  /// Known answers (the CRC catalogue's check value, FIPS 180-4 examples, zlib's own), whatever the pieces.
  @Test(arguments: [1, 3, 8, 63, 64, 65, 1000]) func digestsAreTheKnownOnes(_ chunk: Int) throws {
    #expect(try Self.digest("123456789", .crc32, chunk: chunk) == "cbf43926")
    #expect(
      try Self.digest("abc", .sha256, chunk: chunk)
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      try Self.digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", .sha256, chunk: chunk)
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      try Self.digest(String(repeating: "a", count: 10_000), .sha256, chunk: chunk)
        == "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711")
    #expect(try Self.digest(String(repeating: "a", count: 10_000), .crc32, chunk: chunk) == "467ed497")
  }

  @Test func anUnknownDigestIsRefused() throws {
    let error = try #require(throws: StorageError.self) { try StreamDigester(WireDigestAlgorithm(rawValue: "md5")) }
    #expect(error.code == .notSupported)
  }

  @Test func whatIsWrittenIsReadAndBothSidesAgree() async throws {
    let directory = TemporaryDirectory()
    let path = directory.file("data")
    #expect(mkfifo(path, 0o600) == 0)
    let stream = StreamRef(id: "s", path: path)
    let size = 300_000
    let call = { @Sendable () throws -> VolumeExport.Result in
      var writer = try StreamWriter(stream, digest: .sha256)
      try writer.writeSizeHeader(ByteCount(size))
      var bytes = [UInt8](repeating: 0, count: size)
      for place in bytes.indices { bytes[place] = UInt8(truncatingIfNeeded: place &* 31) }
      try bytes.withUnsafeBytes { try writer.write($0) }
      return writer.finish()
    }
    async let written = Self.onThread(call)
    let read = try await Self.onThread {
      var reader = try StreamReader(stream, digest: .sha256)
      let header = try reader.readSizeHeader()
      var buffer = [UInt8](repeating: 0, count: 65_536)
      var total: ByteCount = 0
      while true {
        let count = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) }
        if count == 0 { break }
        total += ByteCount(count)
      }
      #expect(header == total)
      return reader.finish(volname: "v")
    }
    let sent = try await written
    #expect(sent.bytes == ByteCount(size + 8))
    #expect(read.bytes == sent.bytes)
    #expect(read.digest == sent.digest)
    #expect(sent.digest?.algorithm == .sha256)
  }

  @Test func aStreamThatEndsInItsHeaderIsBroken() async throws {
    let directory = TemporaryDirectory()
    let path = directory.file("data")
    #expect(mkfifo(path, 0o600) == 0)
    async let written: Void = Self.onThread {
      var writer = try StreamWriter(StreamRef(id: "s", path: path), digest: nil)
      try [UInt8](repeating: 1, count: 5).withUnsafeBytes { try writer.write($0) }
      _ = writer.finish()
    }
    let error = await #expect(throws: StreamError.self) {
      try await Self.onThread {
        var reader = try StreamReader(StreamRef(id: "s", path: path), digest: nil)
        return try reader.readSizeHeader()
      }
    }
    try await written
    #expect(error?.storageError.code == .streamBroken)
  }

  /// Runs what blocks outside the threads that run tasks, as a plugin would.
  static func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    let box = ThreadBox(body)
    return try await box.run()
  }
}

/// A body on a thread of its own.
private final class ThreadBox<Value: Sendable>: Sendable {
  private let body: @Sendable () throws -> Value

  init(_ body: @escaping @Sendable () throws -> Value) { self.body = body }

  func run() async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let work: @Sendable () -> Void = { [body] in continuation.resume(with: Result(catching: body)) }
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(Work(work))
      let status = pthread_create(
        &thread, nil,
        { raw in
          guard let raw else { return nil }
          Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body()
          return nil
        }, argument.toOpaque())
      precondition(status == 0, "no thread")
      pthread_detach(thread)
    }
  }
}

private final class Work: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
