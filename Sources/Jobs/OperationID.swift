// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Names one journal record or job: a UUID of version 7, so ids sort by the time they were made.
public struct OperationID: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Makes a new id.
  /// - Parameters:
  ///   - milliseconds: the time since the epoch in milliseconds.
  ///   - generator: where the 74 random bits come from.
  public static func make(
    at milliseconds: Int64, using generator: inout some RandomNumberGenerator
  ) -> OperationID {
    let time = UInt64(max(0, milliseconds)) & 0xffff_ffff_ffff
    let high = (time << 16) | 0x7000 | (generator.next() & 0x0fff)
    let low = (generator.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000
    let digits = hex(high) + hex(low)
    func part(_ from: Int, _ to: Int) -> String { String(digits[from..<to].map { Character($0) }) }
    return OperationID(
      rawValue: "\(part(0, 8))-\(part(8, 12))-\(part(12, 16))-\(part(16, 20))-\(part(20, 32))")
  }

  /// Makes a new id from the system's random numbers.
  public static func make(at milliseconds: Int64) -> OperationID {
    var generator = SystemRandomNumberGenerator()
    return make(at: milliseconds, using: &generator)
  }

  public static func < (left: OperationID, right: OperationID) -> Bool { left.rawValue < right.rawValue }
  public var description: String { rawValue }

  private static func hex(_ value: UInt64) -> [Unicode.Scalar] {
    (0..<16).map { index in
      let digit = UInt8(truncatingIfNeeded: value >> UInt64((15 - index) * 4)) & 0xf
      return Unicode.Scalar(digit < 10 ? 0x30 + digit : 0x57 + digit)
    }
  }
}
