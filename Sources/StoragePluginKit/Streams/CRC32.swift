// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// CRC-32 as in zlib (polynomial 0xEDB88320, reflected), eight bytes a step.
struct CRC32: Sendable {
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
      tables[byte] = value
    }
    for table in 1..<8 {
      for byte in 0..<256 {
        let previous = tables[(table - 1) * 256 + byte]
        tables[table * 256 + byte] = tables[Int(previous & 0xFF)] ^ (previous >> 8)
      }
    }
    return tables
  }()

  private var state: UInt32 = 0xFFFF_FFFF

  mutating func update(_ data: UnsafeRawBufferPointer) {
    var crc = state
    Self.tables.withUnsafeBufferPointer { table in
      var place = 0
      while place + 8 <= data.count {
        let low = UInt32(littleEndian: data.loadUnaligned(fromByteOffset: place, as: UInt32.self)) ^ crc
        let high = UInt32(littleEndian: data.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self))
        let first = table[1792 + Int(low & 0xFF)] ^ table[1536 + Int(low >> 8 & 0xFF)]
        let second = table[1280 + Int(low >> 16 & 0xFF)] ^ table[1024 + Int(low >> 24)]
        let third = table[768 + Int(high & 0xFF)] ^ table[512 + Int(high >> 8 & 0xFF)]
        let fourth = table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
        crc = first ^ second ^ third ^ fourth
        place += 8
      }
      while place < data.count {
        crc = table[Int((crc ^ UInt32(data[place])) & 0xFF)] ^ (crc >> 8)
        place += 1
      }
    }
    state = crc
  }

  var value: UInt32 { ~state }

  /// Eight lower-case digits.
  var hex: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
