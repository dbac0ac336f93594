// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of an export go.
public enum StreamSink: Sendable {
  /// An open descriptor of the caller, which keeps owning it. Pipes and sockets are non-blocking while the relay runs.
  case descriptor(Int32)
  /// Called with one chunk after the other, never twice at once; what it throws ends the export.
  case bytes(@Sendable (_ chunk: [UInt8]) async throws -> Void)
}

/// Where the bytes of an import come from.
public enum StreamSource: Sendable {
  /// An open descriptor of the caller, which keeps owning it; read from its current position to its end.
  case descriptor(Int32)
  /// Asked for one chunk after the other until it returns nil; what it throws ends the import.
  case bytes(@Sendable () async throws -> [UInt8]?)
}

/// What a plugin gets to see of a stream: the request's `stream` member.
public struct StreamReference: Sendable, Hashable {
  /// Names the stream in logs and progress.
  public var id: String
  /// The FIFO's path inside the sandbox.
  public var path: String
}

/// What a plugin reports in its reply; the relay compares it with what passed.
public struct StreamClaim: Sendable, Hashable {
  public var bytes: Int64
  public var digest: StreamDigest?

  public init(bytes: Int64, digest: StreamDigest? = nil) {
    self.bytes = bytes
    self.digest = digest
  }
}

/// What passed, compared and found equal at both ends.
public struct StreamReport: Sendable, Hashable {
  public var bytes: Int64
  /// Present when a digest was asked for.
  public var digest: StreamDigest?
}

/// How a stream is moved.
public struct StreamOptions: Sendable, Hashable {
  /// Compare this digest too; nil compares the byte count only and lets the kernel move the data.
  public var digest: DigestAlgorithm?
  /// The stream fails when no byte moves for so long; where the plugin is waited for, no sign of life comes either.
  public var stallLimit: Duration
  /// How long bytes may still trickle in after the plugin said it was done (a helper of its may hold the FIFO open).
  public var settleLimit: Duration
  /// At most so many bytes a second; nil is as fast as the two ends are.
  public var bytesPerSecond: Int64?
  /// Told how far the stream is.
  public var progress: StreamProgress?

  public init(
    digest: DigestAlgorithm? = nil, stallLimit: Duration = .seconds(300), settleLimit: Duration = .seconds(10),
    bytesPerSecond: Int64? = nil
  ) {
    self.digest = digest
    self.stallLimit = stallLimit
    self.settleLimit = settleLimit
    self.bytesPerSecond = bytesPerSecond
  }
}
