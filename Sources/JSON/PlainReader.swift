// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Reads plain JSON texts, which nearly all messages are, several times as fast as libjansson can.
///
/// It never refuses anything: on whatever is not plain (reals, `\u` escapes, long numbers, doubtful UTF-8, a name twice,
/// deep nesting, any fault at all) it gives up, and libjansson reads the text from its start and has the only say. What
/// is plain means the same to both; the tests hold one against the other.
struct PlainReader {
  private let bytes: UnsafeRawBufferPointer
  private let limits: JSONLimits
  private var place = 0
  /// Commas and opening brackets so far.
  private var values = 0

  /// The value of the text, or nil when libjansson is to read it.
  static func read(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits) -> JSON? {
    var reader = PlainReader(bytes: bytes, limits: limits)
    guard let value = reader.value(depth: 0) else { return nil }
    reader.skipSpace()
    guard reader.place == bytes.count, reader.values <= limits.maxValues else { return nil }
    return value
  }

  private init(bytes: UnsafeRawBufferPointer, limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  // MARK: Bytes

  /// The byte here; 0, which is part of no plain text, at the end.
  private var current: UInt8 {
    @inline(__always) get { place < bytes.count ? bytes[place] : 0 }
  }

  @inline(__always)
  private mutating func skipSpace() {
    while true {
      switch current {
      case 0x20, 0x09, 0x0A, 0x0D: place += 1
      default: return
      }
    }
  }

  @inline(__always)
  private mutating func take(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    place += 1
    return true
  }

  private mutating func word(_ word: StaticString, _ value: JSON) -> JSON? {
    let count = word.utf8CodeUnitCount
    guard place + count <= bytes.count else { return nil }
    for offset in 0..<count where bytes[place + offset] != word.utf8Start[offset] { return nil }
    place += count
    return value
  }

  // MARK: Values

  private mutating func value(depth: Int) -> JSON? {
    skipSpace()
    switch current {
    case UInt8(ascii: "\""): return string().map(JSON.string)
    case UInt8(ascii: "{"): return object(depth: depth + 1)
    case UInt8(ascii: "["): return array(depth: depth + 1)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return integer()
    case UInt8(ascii: "t"): return word("true", .bool(true))
    case UInt8(ascii: "f"): return word("false", .bool(false))
    case UInt8(ascii: "n"): return word("null", .null)
    default: return nil
    }
  }

  private mutating func array(depth: Int) -> JSON? {
    guard depth <= limits.maxDepth else { return nil }
    place += 1
    values += 1
    var elements: [JSON] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      guard let element = value(depth: depth) else { return nil }
      elements.append(element)
      skipSpace()
      if take(UInt8(ascii: ",")) {
        values += 1
        guard values <= limits.maxValues else { return nil }
        continue
      }
      guard take(UInt8(ascii: "]")) else { return nil }
      return .array(elements)
    }
  }

  private mutating func object(depth: Int) -> JSON? {
    guard depth <= limits.maxDepth else { return nil }
    place += 1
    values += 1
    var members: [JSONObject.Member] = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(JSONObject()) }
    // Room for most messages at once, instead of for one, two and four.
    members.reserveCapacity(4)
    while true {
      skipSpace()
      guard current == UInt8(ascii: "\""), let key = string() else { return nil }
      skipSpace()
      guard take(UInt8(ascii: ":")), let value = value(depth: depth) else { return nil }
      members.append(JSONObject.Member(key: key, value: value))
      skipSpace()
      if take(UInt8(ascii: ",")) {
        values += 1
        guard values <= limits.maxValues else { return nil }
        continue
      }
      guard take(UInt8(ascii: "}")) else { return nil }
      guard case .success(let object) = JSONObject.unique(members, mayRepeat: true) else { return nil }
      return .object(object)
    }
  }

  /// At most 18 digits: they cannot overflow.
  private mutating func integer() -> JSON? {
    let isNegative = take(UInt8(ascii: "-"))
    let start = place
    var number: Int64 = 0
    while case let digit = current &- UInt8(ascii: "0"), digit < 10 {
      guard place - start < 18 else { return nil }
      number = number * 10 + Int64(digit)
      place += 1
    }
    let count = place - start
    guard count == 1 || (count > 1 && bytes[start] != UInt8(ascii: "0")) else { return nil }
    switch current {
    case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
    default: return .int(isNegative ? -number : number)
    }
  }

  // MARK: Strings

  /// The string that begins at the quote here.
  private mutating func string() -> String? {
    let start = place + 1
    var isASCII = true
    guard let end = endOfRun(from: start, &isASCII) else { return nil }
    guard bytes[end] == UInt8(ascii: "\"") else { return escapedString(start, end, isASCII) }
    place = end + 1
    return Self.text(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), isASCII)
  }

  /// A string with a backslash at `stop`.
  private mutating func escapedString(_ start: Int, _ stop: Int, _ startIsASCII: Bool) -> String? {
    var buffer = Array(bytes[start..<stop])
    var isASCII = startIsASCII
    var place = stop
    while bytes[place] == UInt8(ascii: "\\") {
      guard place + 1 < bytes.count, let byte = Self.unescaped(bytes[place + 1]) else { return nil }
      buffer.append(byte)
      guard let end = endOfRun(from: place + 2, &isASCII) else { return nil }
      buffer.append(contentsOf: bytes[(place + 2)..<end])
      place = end
    }
    guard bytes[place] == UInt8(ascii: "\"") else { return nil }
    self.place = place + 1
    return buffer.withUnsafeBytes { Self.text($0, isASCII) }
  }

  private static func unescaped(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  @inline(__always)
  private static func text(_ bytes: UnsafeRawBufferPointer, _ isASCII: Bool) -> String? {
    isASCII ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
  }

  /// Where the next quote, backslash or control character is; nil when there is none.
  @inline(__always)
  private func endOfRun(from start: Int, _ isASCII: inout Bool) -> Int? {
    let end = TextScan.endOfRun(bytes, from: start, &isASCII)
    return end < bytes.count ? end : nil
  }
}
