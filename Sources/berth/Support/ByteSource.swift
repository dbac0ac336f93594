// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import BerthClient
internal import CShims
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// A file or standard input as a stream of parts, read on a thread of its own.
struct ByteSource: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  let fd: Int32
  let name: String
  let pool: NIOThreadPool
  /// Told how much has been read so far.
  let progress: @Sendable (Int64) -> Void

  /// Bytes of one part.
  static let part = 256 << 10

  struct Iterator: AsyncIteratorProtocol {
    let source: ByteSource
    var total: Int64 = 0

    mutating func next() async throws -> ByteBuffer? {
      let fd = source.fd
      let name = source.name
      let part = try await source.pool.runIfActive { () -> ByteBuffer in
        var buffer = ByteBufferAllocator().buffer(capacity: ByteSource.part)
        var result = 0
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: ByteSource.part) { room in
          result = berth_read(fd, room.baseAddress, Swift.min(room.count, ByteSource.part))
          return Swift.max(0, result)
        }
        guard result >= 0 else {
          throw ClientError(
            .local, "cannot read: \(String(cString: strerror(Int32(-result))))", place: name,
            hint: "nothing was imported; mend the source and try again")
        }
        return buffer
      }
      guard part.readableBytes > 0 else { return nil }
      total += Int64(part.readableBytes)
      source.progress(total)
      return part
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(source: self) }
}
