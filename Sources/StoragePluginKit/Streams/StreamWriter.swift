// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import StorageProtocol

/// The plugin's end of an export: writes to the host's FIFO, counts and digests.
///
/// Everything here blocks; use it inside ``PluginCall/blocking(_:)``. Open it before the work starts: the host is
/// already reading.
public struct StreamWriter: ~Copyable {
  private let descriptor: Int32
  private var digester: StreamDigester

  /// Opens the FIFO of the stream.
  public init(_ stream: StreamRef, digest: WireDigestAlgorithm?) throws {
    let digester = try StreamDigester(digest)
    // The host closes its end when it gives up; the write then fails with EPIPE instead of ending the process.
    signal(SIGPIPE, SIG_IGN)
    let descriptor = open(stream.path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StreamError(operation: "open of the stream", errno: errno) }
    self.descriptor = descriptor
    self.digester = digester
  }

  deinit { close(descriptor) }

  /// Writes all of the data.
  public mutating func write(_ data: UnsafeRawBufferPointer) throws(StreamError) {
    var rest = data
    while let base = rest.baseAddress, !rest.isEmpty {
      let written = Glibc.write(descriptor, base, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw StreamError(operation: "write to the stream", errno: errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
    digester.update(data)
  }

  /// Writes the size that begins the `…+size` formats: 8 bytes, little-endian.
  public mutating func writeSizeHeader(_ size: ByteCount) throws(StreamError) {
    let header = UInt64(size).littleEndian
    do {
      try withUnsafeBytes(of: header) { try write($0) }
    } catch let error as StreamError {
      throw error
    } catch {
      throw StreamError(operation: "write to the stream", errno: EIO)
    }
  }

  /// Closes the stream; what the answer to the host must carry.
  public consuming func finish() -> VolumeExport.Result {
    VolumeExport.Result(bytes: digester.bytes, digest: digester.digest())
  }
}
