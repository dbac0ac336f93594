// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CZlib
internal import Crypto
internal import Glibc
internal import JSON

/// The host's end of an operation's FIFO, moved along by the session's loop.
final class StreamEnd {
  enum Direction { case export, `import` }

  let direction: Direction
  let path: String
  private(set) var descriptor: Int32 = -1
  private(set) var isFinished = false
  /// Bytes that went through.
  private(set) var count = 0
  /// What an export brought; kept whole, checks use small volumes.
  private(set) var received: [UInt8] = []
  /// Bytes of an export after which this end is closed, as a reader that dies would.
  var stopsAfter: Int?
  /// Whether an import's end stays open after its bytes, as a writer that hangs would.
  var staysOpen = false
  private let source: [UInt8]

  init(_ direction: Direction, path: String, source: [UInt8] = [], owner: UInt32?) throws(CheckStop) {
    self.direction = direction
    self.path = path
    self.source = source
    guard mkfifo(path, 0o600) == 0 else { throw .broken("cannot make the FIFO \(path): errno \(errno)") }
    if let owner, chown(path, owner, owner) != 0 { throw .broken("cannot give away \(path): errno \(errno)") }
    if direction == .export {
      // The reading end comes first: a writer that does not wait would find nobody.
      descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    }
  }

  deinit { finish() }

  /// The request member for this stream, as the plugin sees it.
  var params: JSON { ["id": "s1", "path": .string("/streams/" + (path.split(separator: "/").last ?? ""))] }

  var pollEvents: Int16? {
    guard !isFinished, descriptor >= 0 else { return nil }
    return direction == .export ? Int16(POLLIN) : count < source.count ? Int16(POLLOUT) : nil
  }

  func finish() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if !isFinished { unlink(path) }
    isFinished = true
  }

  /// Tries to open an import's end: possible once the plugin has opened its own.
  func approach() {
    guard direction == .import, descriptor < 0, !isFinished else { return }
    descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor >= 0, source.isEmpty, !staysOpen { finish() }
  }

  /// Moves what can be moved without waiting.
  func move() {
    guard descriptor >= 0 else { return }
    switch direction {
    case .export: receive()
    case .import: feed()
    }
  }

  private func receive() {
    withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 16) { buffer in
      while descriptor >= 0 {
        let got = read(descriptor, buffer.baseAddress, buffer.count)
        // No bytes: the end, or nobody has opened the other end yet; the reply tells which.
        guard got > 0 else { return }
        received.append(contentsOf: buffer[..<got])
        count += got
        if let limit = stopsAfter, count >= limit { finish() }
      }
    }
  }

  private func feed() {
    while count < source.count {
      let sent = source[count...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if sent < 0 {
        if errno == EPIPE { finish() }
        return
      }
      count += sent
    }
    if !staysOpen { finish() }
  }

  /// Lower-case hex of the algorithm over everything that went through.
  static func digest(_ algorithm: String, _ bytes: [UInt8]) -> String {
    if algorithm == "sha256" {
      return SHA256.hash(data: bytes).map { hex(UInt64($0), 2) }.joined()
    }
    var crc = crc32(0, nil, 0)
    bytes.withUnsafeBufferPointer { crc = crc32_z(crc, $0.baseAddress, $0.count) }
    return hex(UInt64(crc), 8)
  }

  private static func hex(_ value: UInt64, _ width: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
