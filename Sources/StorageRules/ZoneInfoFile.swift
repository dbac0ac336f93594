// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A compiled time zone (RFC 8536), as the files below `/usr/share/zoneinfo` and `/etc/localtime` hold it.
struct ZoneInfoFile: Sendable {
  private var times: [Int64] = []
  /// The offset from each time on.
  private var offsets: [Int64] = []
  /// The offset before the first time.
  private var first: Int64 = 0
  /// What holds after the last time.
  private var rule: PosixTimeZone?

  /// - Throws: `INVALID_TIME_ZONE` for anything that is no such file.
  init(parsing bytes: [UInt8]) throws(RulesError) {
    guard read(bytes) else { throw RulesError(.invalidTimeZone, "the time zone file is damaged or no such file") }
  }

  /// Seconds east of UTC at a moment.
  func offset(at epoch: Int64) -> Int64 {
    guard let last = times.last else { return rule?.offset(at: epoch) ?? first }
    if epoch >= last { return rule?.offset(at: epoch) ?? offsets[offsets.count - 1] }
    // The number of changes up to the moment, by halving.
    var low = 0
    var high = times.count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] <= epoch { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? first : offsets[low - 1]
  }

  /// The header's counts, in the order in which the file has them.
  private struct Counts {
    var utc = 0
    var standard = 0
    var leap = 0
    var time = 0
    var type = 0
    var character = 0

    func length(timeSize: Int) -> Int {
      time * (timeSize + 1) + type * 6 + character + leap * (timeSize + 4) + standard + utc
    }
  }

  private mutating func read(_ bytes: [UInt8]) -> Bool {
    guard let (version, old) = Self.header(bytes, at: 0) else { return false }
    var start = 44
    var counts = old
    var timeSize = 4
    if version >= UInt8(ascii: "2") {
      start += old.length(timeSize: 4)
      guard let (_, new) = Self.header(bytes, at: start) else { return false }
      start += 44
      counts = new
      timeSize = 8
    }
    let end = start + counts.length(timeSize: timeSize)
    guard counts.type > 0, counts.time <= 100_000, end <= bytes.count else { return false }
    let types = start + counts.time * (timeSize + 1)
    func typeOffset(_ index: Int) -> Int64 { Self.integer(bytes, types + index * 6, 4) }
    first = typeOffset(0)
    for index in 0..<counts.time {
      let type = Int(bytes[start + counts.time * timeSize + index])
      guard type < counts.type else { return false }
      times.append(Self.integer(bytes, start + index * timeSize, timeSize))
      offsets.append(typeOffset(type))
    }
    guard zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) else { return false }
    if timeSize == 8 {
      guard end < bytes.count, bytes[end] == 0x0a, let stop = bytes[(end + 1)...].firstIndex(of: 0x0a) else {
        return false
      }
      let text = String(decoding: bytes[(end + 1)..<stop], as: UTF8.self)
      if !text.isEmpty {
        do throws(RulesError) {
          rule = try PosixTimeZone(parsing: text)
        } catch {
          return false
        }
      }
    }
    return true
  }

  private static func header(_ bytes: [UInt8], at start: Int) -> (version: UInt8, Counts)? {
    guard start + 44 <= bytes.count, bytes[start..<(start + 4)].elementsEqual("TZif".utf8) else { return nil }
    func count(_ index: Int) -> Int { Int(integer(bytes, start + 20 + index * 4, 4)) }
    let counts = Counts(
      utc: count(0), standard: count(1), leap: count(2), time: count(3), type: count(4), character: count(5))
    let all = [counts.utc, counts.standard, counts.leap, counts.time, counts.type, counts.character]
    return all.allSatisfy { (0...1_000_000).contains($0) } ? (bytes[start + 4], counts) : nil
  }

  /// A big-endian two's-complement number.
  private static func integer(_ bytes: [UInt8], _ start: Int, _ size: Int) -> Int64 {
    var value: Int64 = bytes[start] & 0x80 == 0 ? 0 : -1
    for byte in bytes[start..<(start + size)] { value = value << 8 | Int64(byte) }
    return value
  }
}
