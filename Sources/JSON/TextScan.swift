// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CJansson

/// Looks for what ends a run of plain characters in JSON text, sixteen bytes at a time, then eight.
enum TextScan {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// Where the next quote, backslash or control character is, from `start`; the end of the bytes when there is none.
  /// Clears `isASCII` when a byte before that place is none.
  static func endOfRun(_ bytes: UnsafeRawBufferPointer, from start: Int, _ isASCII: inout Bool) -> Int {
    var place = start
    if place + 32 <= bytes.count, let base = bytes.baseAddress {
      let rest = (base + place).assumingMemoryBound(to: UInt8.self)
      place += berth_plain_blocks(rest, bytes.count - place, &isASCII)
    }
    while place + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      let found = stops(in: word)
      if found != 0 {
        let offset = found.trailingZeroBitCount >> 3
        if word & highs & ((1 << UInt64(offset * 8)) &- 1) != 0 { isASCII = false }
        return place + offset
      }
      if word & highs != 0 { isASCII = false }
      place += 8
    }
    while place < bytes.count, !isStop(bytes[place]) {
      if bytes[place] >= 0x80 { isASCII = false }
      place += 1
    }
    return place
  }

  static func endOfRun(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var ignored = true
    return endOfRun(bytes, from: start, &ignored)
  }

  /// How many commas, `[` and `{` stand outside of strings: no text has more values than those and one.
  static func openersAndCommas(_ bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var place = 0
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"): count += 1
      case UInt8(ascii: "\""): place = endOfString(bytes, from: place + 1)
      default: break
      }
      place += 1
    }
    return count
  }

  /// Where the quote is that ends the string; the end of the bytes when there is none.
  private static func endOfString(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var place = endOfRun(bytes, from: start)
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      place = endOfRun(bytes, from: min(bytes.count, place + (bytes[place] == UInt8(ascii: "\\") ? 2 : 1)))
    }
    return place
  }

  @inline(__always)
  private static func isStop(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  /// Marks the high bit of bytes that stop a run. A borrow may mark bytes above a true match too; the lowest mark, which
  /// is the first byte in the text, is always true.
  @inline(__always)
  private static func stops(in word: UInt64) -> UInt64 {
    let quotes = word ^ (ones &* 0x22)
    let slashes = word ^ (ones &* 0x5C)
    return (((word &- ones &* 0x20) & ~word) | ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes)) & highs
  }
}
