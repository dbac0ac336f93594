// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import StorageProtocol

/// Counts the bytes of a stream and computes the digest the host asked for.
public struct StreamDigester: Sendable {
  private enum State: Sendable {
    case none
    case crc32(CRC32)
    case sha256(SHA256)
  }

  private var state: State
  /// Bytes so far.
  public private(set) var bytes: ByteCount = 0

  /// - Throws: `NOT_SUPPORTED` for an algorithm this kit does not have.
  public init(_ algorithm: WireDigestAlgorithm?) throws(StorageError) {
    switch algorithm {
    case nil: state = .none
    case .crc32: state = .crc32(CRC32())
    case .sha256: state = .sha256(SHA256())
    case .some(let other):
      throw StorageError(
        .notSupported, "there is no digest \(ForeignText.quoted(other.rawValue)) here", outcome: .notStarted)
    }
  }

  public mutating func update(_ data: UnsafeRawBufferPointer) {
    bytes += ByteCount(data.count)
    switch state {
    case .none: break
    case .crc32(var crc):
      crc.update(data)
      state = .crc32(crc)
    case .sha256(var sha):
      state = .none  // keeps the buffer unshared while it changes
      sha.update(data)
      state = .sha256(sha)
    }
  }

  /// The digest over everything so far; nil when none was asked for.
  public func digest() -> WireDigest? {
    switch state {
    case .none: nil
    case .crc32(let crc): WireDigest(algorithm: .crc32, value: crc.hex)
    case .sha256(let sha): WireDigest(algorithm: .sha256, value: sha.hex)
    }
  }
}
