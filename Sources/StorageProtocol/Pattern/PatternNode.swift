// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A parsed regular expression.
indirect enum PatternNode: Sendable {
  /// Matches the empty text.
  case empty
  case scalar(ScalarSet)
  case sequence([PatternNode])
  case choice([PatternNode])
  /// The node `min` to `max` times; any number when `max` is nil.
  case repeated(PatternNode, min: Int, max: Int?)
  /// The node, whose part of the text is remembered under a name.
  case group(String, PatternNode)
}

/// The scalars one place of an expression accepts.
struct ScalarSet: Sendable, Hashable {
  var ranges: [ClosedRange<UInt32>]
  var isNegated = false

  static let any = ScalarSet(ranges: [], isNegated: true)
  static let digits = ScalarSet(ranges: [0x30...0x39])
  static let word = ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let space = ScalarSet(ranges: [
    0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
    0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
  ])
  /// `.`: everything but line ends.
  static let dot = ScalarSet(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], isNegated: true)

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }

  /// The same set with no negation.
  var positive: [ClosedRange<UInt32>] {
    guard isNegated else { return ranges }
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
      next = max(next, range.upperBound &+ 1)
    }
    if next <= 0x10FFFF { result.append(next...0x10FFFF) }
    return result
  }
}
