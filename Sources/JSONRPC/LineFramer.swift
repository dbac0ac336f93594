// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Cuts a byte stream into lines that look like messages: a pure state machine, fed and asked by its owner.
///
/// One JSON object a line, ended by LF; CR before it and empty lines are tolerated. A line over the limit is left out,
/// whatever comes behind it is read. Anything else is a stray line; one more of those than are tolerated is a violation,
/// as is LSP's `Content-Length:` framing where not every stray line is tolerated.
public struct LineFramer: Sendable {
  /// What the bytes so far hold next.
  public enum Event: Sendable, Hashable {
    /// A line that begins with `{`; whether it is JSON is for the parser to say.
    case message(ArraySlice<UInt8>)
    /// A line over the limit, described; told once, before its end has come.
    case tooLong(String)
    /// A line that is no message, quoted; tolerated.
    case stray(String)
    /// The stream cannot be read on; nothing comes after this.
    case violation(String)
  }

  private let maxMessageBytes: Int
  /// How many more; nil for any number.
  private var strayTolerance: Int?
  private var buffer: [UInt8] = []
  /// Where the first line not yet handed out begins.
  private var start = 0
  /// Up to where that line has been searched for its end.
  private var scanned = 0
  private var isBroken = false
  /// What comes up to the next line end belongs to a line over the limit.
  private var isSkipping = false

  /// - Parameters:
  ///   - maxMessageBytes: longest line, its end not counted.
  ///   - toleratedStrayLines: how many lines may be no messages; nil for any number.
  public init(maxMessageBytes: Int, toleratedStrayLines: Int?) {
    self.maxMessageBytes = maxMessageBytes
    strayTolerance = toleratedStrayLines
  }

  /// Bytes fed that have not come out yet.
  public var pendingBytes: Int { buffer.count - start }

  /// Takes more bytes.
  public mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    guard !isBroken else { return }
    if start > 0 { compact() }
    buffer.append(contentsOf: bytes)
  }

  /// The next event, nil when more bytes are needed for one. Drop a message before feeding again, or it is copied.
  public mutating func next() -> Event? {
    while !isBroken {
      guard let end = lineEnd() else {
        guard isSkipping || pendingBytes > maxMessageBytes else { return nil }
        let event = isSkipping ? nil : Event.tooLong(tooLong())
        isSkipping = true
        clear()
        return event
      }
      var line = buffer[start..<end]
      let isRest = isSkipping
      isSkipping = false
      if !isRest, line.count > maxMessageBytes {
        let event = Event.tooLong(tooLong())
        start = end + 1
        scanned = start
        return event
      }
      start = end + 1
      scanned = start
      if isRest { continue }
      if line.last == UInt8(ascii: "\r") { line.removeLast() }
      guard let first = line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else { continue }
      if first == UInt8(ascii: "{") { return .message(line) }
      return stray(line, "is no JSON object")
    }
    return nil
  }

  /// Counts a line as stray, one that looked like a message but is none included.
  public mutating func stray(_ line: ArraySlice<UInt8>, _ why: String) -> Event {
    var text = "a line on its output \(why): \(Quote.bytes(line))"
    if Self.isContentLength(line) {
      text =
        "speaks LSP framing (\(Quote.bytes(line.prefix(40)))); this protocol is one JSON object a line, without headers"
      if strayTolerance != nil { return violation(text) }
    }
    guard let tolerance = strayTolerance else { return .stray(text) }
    guard tolerance > 0 else {
      return violation("too many lines on its output are no messages; the last: \(text)")
    }
    strayTolerance = tolerance - 1
    return .stray(text)
  }

  private mutating func violation(_ text: String) -> Event {
    isBroken = true
    clear()
    return .violation(text)
  }

  private mutating func clear() {
    buffer = []
    start = 0
    scanned = 0
  }

  private func tooLong() -> String {
    "sent a line over the limit of \(maxMessageBytes) bytes; it begins \(Quote.bytes(buffer[start...].prefix(64)))"
  }

  private mutating func lineEnd() -> Int? {
    let from = scanned
    let found = buffer.withUnsafeBytes { bytes -> Int? in
      guard let base = bytes.baseAddress, from < bytes.count else { return nil }
      return memchr(base + from, Int32(UInt8(ascii: "\n")), bytes.count - from).map { UnsafeRawPointer($0) - base }
    }
    scanned = found ?? buffer.count
    return found
  }

  /// Forgets what has been handed out; gives big buffers back once they are empty.
  private mutating func compact() {
    if start == buffer.count {
      if buffer.capacity > 1 << 20 { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
      scanned = 0
    } else {
      buffer.removeSubrange(..<start)
      scanned -= start
    }
    start = 0
  }

  private static func isContentLength(_ line: ArraySlice<UInt8>) -> Bool {
    let header = "content-length:".utf8
    guard line.count >= header.count else { return false }
    return zip(line, header).allSatisfy { byte, wanted in
      byte == wanted || (byte &+ 0x20 == wanted && UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte)
    }
  }
}
