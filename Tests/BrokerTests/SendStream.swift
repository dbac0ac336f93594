// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Writes btrfs send streams (version 1) that no file system would: what a hostile sender sends.
struct SendStream {
  enum Attribute: UInt16 {
    case uuid = 1
    case transaction, inode, size, mode, user, group, device
    case path = 15
    case pathTo, link, offset, data, cloneUUID, cloneTransaction, clonePath, cloneOffset, cloneLength
  }

  enum Command: UInt16 {
    case subvolume = 1
    case snapshot, file, directory, node, fifo, socket, symlink, rename, hardLink, unlink
    case write = 15
    case clone, truncate, mode, owner
    case end = 21
  }

  enum Value {
    case text(String)
    case number(UInt64)
    case bytes([UInt8])
  }

  private(set) var bytes = Array("btrfs-stream\0".utf8) + [1, 0, 0, 0]

  /// A stream of a new subvolume of that name.
  init(_ name: String) {
    add(.subvolume, [(.path, .text(name)), (.uuid, .bytes(Array(1...16))), (.transaction, .number(7))])
  }

  /// A stream of changes to a subvolume that the receiver has.
  init(_ name: String, since base: [UInt8], _ transaction: UInt64) {
    add(
      .snapshot,
      [
        (.path, .text(name)), (.uuid, .bytes(Array(1...16))), (.transaction, .number(7)), (.cloneUUID, .bytes(base)),
        (.cloneTransaction, .number(transaction)),
      ])
  }

  mutating func add(_ command: Command, _ attributes: [(Attribute, Value)] = []) {
    var body: [UInt8] = []
    for (attribute, value) in attributes {
      let data: [UInt8] =
        switch value {
        case .text(let text): Array(text.utf8)
        case .number(let number): Self.little(number)
        case .bytes(let bytes): bytes
        }
      body += Self.little(attribute.rawValue) + Self.little(UInt16(data.count)) + data
    }
    var message = Self.little(UInt32(body.count)) + Self.little(command.rawValue) + [0, 0, 0, 0] + body
    message.replaceSubrange(6..<10, with: Self.little(Self.checksum(message)))
    bytes += message
  }

  mutating func write(_ path: String, _ text: String) {
    add(.write, [(.path, .text(path)), (.offset, .number(0)), (.data, .text(text))])
  }

  /// The stream with its end.
  func ended() -> [UInt8] {
    var copy = self
    copy.add(.end)
    return copy.bytes
  }

  private static func little<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
    (0..<(N.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  /// CRC-32C without inversion, as the format has it.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.reduce(0) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
  }
}
