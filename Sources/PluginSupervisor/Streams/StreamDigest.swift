// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CZlib
internal import Crypto

/// How the two ends of a stream prove that they saw the same bytes.
public enum DigestAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// CRC-32 as in zlib, eight hexadecimal digits: every language has it.
  case crc32
  /// SHA-256, 64 hexadecimal digits.
  case sha256
}

/// The digest of a stream's bytes, in lower-case hexadecimal digits.
public struct StreamDigest: Sendable, Hashable {
  public var algorithm: DigestAlgorithm
  public var value: String

  public init(algorithm: DigestAlgorithm, value: String) {
    self.algorithm = algorithm
    self.value = value
  }

  /// Whether another spelling (upper-case digits) names the same digest.
  public func matches(_ other: StreamDigest) -> Bool {
    algorithm == other.algorithm && value.lowercased() == other.value.lowercased()
  }
}

/// Takes bytes as they pass and tells their digest at the end.
struct StreamHasher {
  private enum State {
    case crc32(UInt)
    case sha256(SHA256)
  }

  private var state: State

  init(_ algorithm: DigestAlgorithm) {
    state =
      switch algorithm {
      case .crc32: .crc32(CZlib.crc32(0, nil, 0))
      case .sha256: .sha256(SHA256())
      }
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    switch state {
    case .crc32(let sum):
      state = .crc32(crc32_z(sum, start.assumingMemoryBound(to: UInt8.self), bytes.count))
    case .sha256(var hash):
      hash.update(bufferPointer: bytes)
      state = .sha256(hash)
    }
  }

  func digest() -> StreamDigest {
    switch state {
    case .crc32(let sum):
      let big = UInt32(truncatingIfNeeded: sum)
      return StreamDigest(
        algorithm: .crc32, value: hexadecimal([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: big >> $0) }))
    case .sha256(let hash):
      return StreamDigest(algorithm: .sha256, value: hexadecimal(hash.finalize()))
    }
  }
}

/// Lower-case hexadecimal digits, two a byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

extension StreamDigest {
  /// The failure when a reply does not carry this digest; nil when it does.
  func difference(from claim: StreamClaim, bytes: Int64) -> StreamFailure? {
    guard let reported = claim.digest, reported.algorithm == algorithm else {
      return StreamFailure(
        .broken, "the plugin's reply lacks the \(algorithm.rawValue) digest that was asked for", bytes: bytes,
        expected: claim.bytes)
    }
    if matches(reported) { return nil }
    return StreamFailure(
      .broken, "the \(algorithm.rawValue) of the plugin's side differs from that of the bytes that passed",
      bytes: bytes, expected: claim.bytes)
  }
}
