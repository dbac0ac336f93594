// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The pieces of JSON text.
extension [UInt8] {
  mutating func append(literal: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// A decimal integer.
  mutating func append(decimal number: Int64) {
    if number >= 0, number < 10 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
      return
    }
    // 20 places hold "-9223372036854775808".
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var place = 20
      var rest = number.magnitude
      repeat {
        let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
        place -= 1
        digits.initializeElement(at: place, to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
        rest = quotient
      } while rest != 0
      if number < 0 {
        place -= 1
        digits.initializeElement(at: place, to: UInt8(ascii: "-"))
      }
      append(contentsOf: UnsafeBufferPointer(rebasing: digits[place...]))
    }
  }

  /// A real: Swift's description is the shortest that reads back the same, and is valid JSON for finite numbers.
  mutating func append(real number: Double) {
    guard number.isFinite else { return append(literal: "null") }
    append(contentsOf: number.description.utf8)
  }

  /// A string in quotes, escaped.
  mutating func append(quoted string: String) {
    var string = string
    append(UInt8(ascii: "\""))
    string.withUTF8 { bytes in
      var start = 0
      while true {
        let end = TextScan.endOfRun(UnsafeRawBufferPointer(bytes), from: start)
        append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
        guard end < bytes.count else { break }
        append(escaped: bytes[end])
        start = end + 1
      }
    }
    append(UInt8(ascii: "\""))
  }

  private mutating func append(escaped byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append(literal: "\\\"")
    case UInt8(ascii: "\\"): append(literal: "\\\\")
    case 0x08: append(literal: "\\b")
    case 0x09: append(literal: "\\t")
    case 0x0A: append(literal: "\\n")
    case 0x0C: append(literal: "\\f")
    case 0x0D: append(literal: "\\r")
    default:
      append(literal: "\\u00")
      append(hex: byte >> 4)
      append(hex: byte & 0xF)
    }
  }

  private mutating func append(hex digit: UInt8) {
    append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
  }
}
