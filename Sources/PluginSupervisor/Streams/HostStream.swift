// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The stream of a call in flight, for a host service that moves its bytes in the plugin's place.
///
/// The plugin does not open its FIFO then: it answers its call with the count and digest that the service gives it,
/// which the relay at the FIFO's other end compares with its own as always.
public struct HostStream: Sendable, Hashable {
  /// The FIFO on the host.
  let path: String
  /// Whether the call gives bytes (an export) or takes them.
  public let isExport: Bool
  /// Asked for by the call.
  let digest: DigestAlgorithm?

  init(path: String, isExport: Bool, digest: DigestAlgorithm?) {
    self.path = path
    self.isExport = isExport
    self.digest = digest
  }

  /// Moves everything from the pipe to the stream (an export) or from the stream to the pipe, on a thread of its own.
  ///
  /// - Parameters:
  ///   - pipe: taken over, and closed at the end: an import's reader then sees its end too.
  ///   - limit: more bytes than that are a failure; nil for no limit.
  /// - Returns: what a plugin would have reported. Whoever reads going away is a failure.
  public func move(_ pipe: Int32, limit: Int64? = nil) async -> Result<StreamClaim, StreamFailure> {
    let pipe = Descriptor(pipe)
    return await OwnThread.run {
      let stream = Descriptor.open(path, (isExport ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOFOLLOW)
      var status = stat()
      guard let stream, fstat(stream.raw, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
        return .failure(StreamFailure(.setup, "cannot open the call's stream: \(errnoText(errno))"))
      }
      _ = fcntl(pipe.raw, F_SETFL, fcntl(pipe.raw, F_GETFL) | O_NONBLOCK)
      var mover = Mover(
        source: isExport ? pipe : stream, sink: isExport ? stream : pipe, hasher: digest.map(StreamHasher.init),
        limit: limit)
      return mover.run()
    }
  }

  private struct Mover {
    static let chunk = 256 << 10
    let source: Descriptor
    let sink: Descriptor
    var hasher: StreamHasher?
    let limit: Int64?
    var moved: Int64 = 0

    mutating func run() -> Result<StreamClaim, StreamFailure> {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 4096)
      defer { buffer.deallocate() }
      while true {
        // Waited for before it is read: a FIFO that no writer has opened yet reads as if it were at its end.
        guard wait(source, POLLIN) else { return .failure(gone) }
        let count = read(source.raw, buffer.baseAddress, buffer.count)
        if count == 0 { return .success(StreamClaim(bytes: moved, digest: hasher?.digest())) }
        if count < 0 {
          if errno == EAGAIN || errno == EINTR { continue }
          return .failure(failure("cannot read: \(errnoText(errno))"))
        }
        if let limit, moved + Int64(count) > limit {
          return .failure(failure("the stream has more than the \(limit) bytes that it may have"))
        }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[0..<count])
        hasher?.update(bytes)
        if let failure = write(bytes) { return .failure(failure) }
      }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) -> StreamFailure? {
      var rest = bytes
      while !rest.isEmpty {
        let count = Glibc.write(sink.raw, rest.baseAddress, rest.count)
        if count >= 0 {
          moved += Int64(count)
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } else if errno == EAGAIN {
          if !wait(nil, POLLOUT) { return gone }
        } else if errno == EPIPE {
          return gone
        } else if errno != EINTR {
          return failure("cannot write: \(errnoText(errno))")
        }
      }
      return nil
    }

    /// Waits for the source, or else for room in the sink; false when nobody reads the sink any more.
    private func wait(_ source: Descriptor?, _ events: Int32) -> Bool {
      var watched = (
        pollfd(fd: source?.raw ?? -1, events: Int16(events), revents: 0),
        pollfd(fd: sink.raw, events: source == nil ? Int16(events) : 0, revents: 0)
      )
      while true {
        let count = withUnsafeMutablePointer(to: &watched) { pair in
          pair.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, -1) }
        }
        if count > 0 { return watched.1.revents & Int16(POLLERR) == 0 }
      }
    }

    private var gone: StreamFailure { StreamFailure(.gone, "whoever reads the stream went away", bytes: moved) }

    private func failure(_ message: String) -> StreamFailure { StreamFailure(.broken, message, bytes: moved) }
  }
}
