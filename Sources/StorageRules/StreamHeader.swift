// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The eight bytes before the data of a `…+size` stream: the volume's size in bytes, little-endian.
public enum StreamHeader {
  public static let length = 8

  /// - Parameter size: bytes, not negative.
  public static func encode(size: Int64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * Int64($0))) }
  }

  /// - Returns: `nil` when there are not eight bytes or the size is beyond 2^63 - 1.
  public static func decode(_ bytes: some Collection<UInt8>) -> Int64? {
    guard bytes.count == length else { return nil }
    var value: UInt64 = 0
    for (index, byte) in bytes.enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
    return Int64(exactly: value)
  }
}
