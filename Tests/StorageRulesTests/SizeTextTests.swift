// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import TestSupport
import Testing

@Suite struct SizeTextTests {
  @Test(arguments: [
    ("0", SizeText.Unit.kibibytes, 0), ("1", .kibibytes, 1024), ("10485760", .kibibytes, 10 << 30),
    ("4G", .kibibytes, 4 << 30),
    ("512M", .bytes, 512 << 20), ("1.5T", .bytes, 3 << 39), ("0.5K", .bytes, 512), ("1", .bytes, 1),
    ("32GiB", .bytes, 32 << 30),
    ("7B", .kibibytes, 7), ("9223372036854775807", .bytes, Int64.max), ("7E", .bytes, 7 << 60),
    ("1.0", .kibibytes, 1024),
    ("0.0009765625K", .bytes, 1), ("00012M", .bytes, 12 << 20),
  ])
  func `a size is read exactly`(text: String, unit: SizeText.Unit, bytes: Int64) throws {
    #expect(try SizeText.parse(text, unit: unit) == bytes)
  }

  @Test(arguments: [
    "", " ", "-1", "+1", "1 G", "1g", "1X", "1GB", "G", ".5G", "5.", "1.5", "0.1K", "1e3", "0x10", "９", "1,5G",
    "1.2.3G",
    "9223372036854775808", "8E", "99999999999999999999999999", "1.00000000000000000000000000001G", "1\0", "NaN", "1Gi",
  ])
  func `what is no size is refused`(text: String) {
    let error = #expect(throws: RulesError.self) { try SizeText.parse(text, unit: .bytes) }
    #expect(error?.code == .invalidSize)
  }

  @Test func `what is rendered reads back`() throws {
    let seed = Fuzz.firstSeed
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<5_000 {
      let bytes = Int64.random(in: 0...Int64.max, using: &generator) >> Int64.random(in: 0...62, using: &generator)
      #expect(try SizeText.parse(SizeText.render(bytes), unit: .bytes) == bytes, "seed \(seed)")
    }
    #expect(SizeText.render(0) == "0")
    #expect(SizeText.render(32 << 30) == "32G")
    #expect(SizeText.render(1000) == "1000")
  }

  @Test func `no input crashes`() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
        Array("0123456789.KMGTPEiB+- e\0".utf8).randomElement(using: &generator) ?? 0
      }
      if let size = try? SizeText.parse(String(decoding: bytes, as: UTF8.self), unit: .kibibytes) { #expect(size >= 0) }
    }
  }
}
