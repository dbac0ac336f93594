// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Bytes as a broken or ill-meaning other side would send them.
public enum HostileBytes {
  /// Pieces that have broken parsers before.
  private static let pieces: [[UInt8]] =
    [
      "{}", "[]", "{", "}", "[", "]", "\"", ":", ",", "null", "true", "1e400", "-", "0x1", "\\u0000", "\\ud800", "NaN",
      "9223372036854775808", "{\"a\":1,\"a\":2}", "{\"jsonrpc\":\"2.0\"", "\"id\":1", "\"result\":",
      "\"method\":\"$/cancel\"",
      "Content-Length: 17\r\n\r\n", "\r\n", "\n", "\n\n\n", "\t", " ",
    ].map { Array($0.utf8) } + [
      [0], [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xEF, 0xBB, 0xBF], [0xF4, 0x90, 0x80, 0x80],
    ]

  /// A few hundred bytes: random, made of the pieces, or both.
  public static func some(using generator: inout SeededGenerator, upTo length: Int = 400) -> [UInt8] {
    var bytes: [UInt8] = []
    let wanted = Int.random(in: 0...length, using: &generator)
    while bytes.count < wanted {
      if generator.oneIn(4) {
        bytes.append(UInt8.random(in: .min ... .max, using: &generator))
      } else {
        bytes += pieces[Int.random(in: pieces.indices, using: &generator)]
      }
    }
    return bytes
  }

  /// The bytes with a few of them changed, dropped, doubled or cut off.
  public static func mutated(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let place = Int.random(in: bytes.indices, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(bytes[place], at: place)
      case 3: bytes.removeSubrange(place...)
      default: bytes.insert(contentsOf: some(using: &generator, upTo: 8), at: place)
      }
    }
    return bytes
  }
}
