// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Checksum over a stream's bytes.
/// Open: a later version or a plugin may add values.
public struct WireDigestAlgorithm: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// As in zlib, 8 lower-case hex digits.
  public static let crc32 = WireDigestAlgorithm(rawValue: "crc32")
  /// 64 lower-case hex digits.
  public static let sha256 = WireDigestAlgorithm(rawValue: "sha256")
}
