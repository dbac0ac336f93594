// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import StorageProtocol

/// The plugin's end of an import: reads from the host's FIFO, counts and digests.
///
/// Everything here blocks; use it inside ``PluginCall/blocking(_:)``. The end of the stream proves nothing: compare
/// with the size header, and answer with what ``finish(volname:)`` gives so that the host can compare too.
public struct StreamReader: ~Copyable {
  private let descriptor: Int32
  private var digester: StreamDigester

  /// Opens the FIFO of the stream; waits until the host has its end open.
  public init(_ stream: StreamRef, digest: WireDigestAlgorithm?) throws {
    let digester = try StreamDigester(digest)
    let descriptor = open(stream.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StreamError(operation: "open of the stream", errno: errno) }
    self.descriptor = descriptor
    self.digester = digester
  }

  deinit { close(descriptor) }

  /// Reads up to the buffer's size; 0 at the end.
  public mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 {
        digester.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
        return count
      }
      if errno != EINTR { throw StreamError(operation: "read from the stream", errno: errno) }
    }
  }

  /// Reads the size that begins the `…+size` formats.
  public mutating func readSizeHeader() throws(StreamError) -> ByteCount {
    var header = [UInt8](repeating: 0, count: 8)
    var filled = 0
    while filled < 8 {
      let count: Int
      do {
        count = try header.withUnsafeMutableBytes { try read(into: .init(rebasing: $0[filled...])) }
      } catch let error as StreamError {
        throw error
      } catch {
        throw StreamError(operation: "read from the stream", errno: EIO)
      }
      guard count > 0 else { throw StreamError(operation: "the stream ended inside its size header", errno: 0) }
      filled += count
    }
    let size = header.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let size = ByteCount(exactly: size) else {
      throw StreamError(operation: "the stream's size header is no size", errno: 0)
    }
    return size
  }

  /// Closes the stream; what the answer to the host must carry.
  public consuming func finish(volname: String) -> VolumeImport.Result {
    VolumeImport.Result(volname: volname, bytes: digester.bytes, digest: digester.digest())
  }
}
