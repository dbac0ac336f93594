// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Sizes as people write them: `32G`, `1.5T`, `10485760`.
public enum SizeText {
  /// What a number without a suffix counts.
  public enum Unit: Int64, Sendable {
    case bytes = 1
    /// 1024 bytes: the unit of `alloc` on the command line.
    case kibibytes = 1024
    case mebibytes = 1_048_576
    case gibibytes = 1_073_741_824
  }

  /// Reads a size in bytes.
  ///
  /// A number, with a fraction if a suffix follows, then optionally one of K, M, G, T, P, E (powers of 1024; `KiB`
  /// and so on mean the same, `B` means bytes).
  ///
  /// - Parameter unit: what a bare number counts.
  /// - Returns: 0 to 2^63 - 1.
  /// - Throws: `INVALID_SIZE` for signs, blanks, unknown suffixes, fractions of a byte, and what is too big.
  public static func parse(_ text: String, unit: Unit) throws(RulesError) -> Int64 {
    let bytes = Array(text.utf8)
    var index = 0
    var number: UInt64 = 0
    var scale: UInt64 = 1
    var digits = 0
    var inFraction = false
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "."), !inFraction, digits > 0 {
        inFraction = true
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        let (shifted, tooBig) = number.multipliedReportingOverflow(by: 10)
        let (added, stillTooBig) = shifted.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
        guard !tooBig, !stillTooBig else { throw outOfRange(text) }
        number = added
        digits += 1
        if inFraction {
          let (grown, lost) = scale.multipliedReportingOverflow(by: 10)
          guard !lost else { throw malformed(text) }
          scale = grown
        }
      } else {
        break
      }
      index += 1
    }
    guard digits > 0, !(inFraction && scale == 1) else { throw malformed(text) }
    guard let factor = factor(bytes[index...], bare: unit) else { throw malformed(text) }
    let (high, low) = number.multipliedFullWidth(by: UInt64(factor))
    guard high < scale else { throw outOfRange(text) }
    let (quotient, remainder) = scale.dividingFullWidth((high, low))
    guard quotient <= UInt64(Int64.max) else { throw outOfRange(text) }
    guard remainder == 0 else {
      throw RulesError(.invalidSize, "the size \(quoted(text)) is not a whole number of bytes")
    }
    return Int64(quotient)
  }

  /// A size with the largest suffix that keeps it whole: `32G`, `1536M`, `1000` (bytes).
  public static func render(_ bytes: Int64) -> String {
    var value = bytes
    var suffix = ""
    for next in ["K", "M", "G", "T", "P", "E"] where value != 0 && value % 1024 == 0 {
      value /= 1024
      suffix = next
    }
    return "\(value)\(suffix)"
  }

  private static func factor(_ suffix: ArraySlice<UInt8>, bare: Unit) -> Int64? {
    guard let first = suffix.first else { return bare.rawValue }
    let rest = suffix.dropFirst()
    if first == UInt8(ascii: "B"), rest.isEmpty { return 1 }
    guard let power = Array("KMGTPE".utf8).firstIndex(of: first),
      rest.isEmpty || rest.elementsEqual("iB".utf8)
    else { return nil }
    return 1 << (10 * Int64(power + 1))
  }

  private static func malformed(_ text: String) -> RulesError {
    RulesError(
      .invalidSize, "\(quoted(text)) is no size",
      hint: "write digits and an optional suffix K, M, G, T, P or E (powers of 1024), such as 32G or 1.5T")
  }

  private static func outOfRange(_ text: String) -> RulesError {
    RulesError(.invalidSize, "the size \(quoted(text)) is beyond 2^63 - 1 bytes")
  }
}
