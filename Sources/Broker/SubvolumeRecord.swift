// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

/// One entry of a worker's list, `struct bb_subvolume` and the path that follows it.
struct SubvolumeRecord {
  static let headSize = 56
  var id: UInt64
  var generation: UInt64
  var isReadOnly: Bool
  var uuid: [UInt8]
  var parent: [UInt8]
  var path: String

  /// nil when the list ends in the middle of an entry.
  static func all(in bytes: [UInt8]) -> [SubvolumeRecord]? {
    var records: [SubvolumeRecord] = []
    var rest = bytes[...]
    func number<N: FixedWidthInteger>(_ type: N.Type, at offset: Int) -> N {
      let start = rest.startIndex + offset
      return rest[start..<(start + N.bitWidth / 8)].reversed().reduce(0) { $0 << 8 | N(truncatingIfNeeded: $1) }
    }
    while !rest.isEmpty {
      guard rest.count >= headSize else { return nil }
      let size = Int(number(UInt32.self, at: 20))
      guard rest.count - headSize >= size else { return nil }
      let start = rest.startIndex
      records.append(
        SubvolumeRecord(
          id: number(UInt64.self, at: 0), generation: number(UInt64.self, at: 8),
          isReadOnly: number(UInt32.self, at: 16) != 0, uuid: Array(rest[(start + 24)..<(start + 40)]),
          parent: Array(rest[(start + 40)..<(start + 56)]),
          path: String(decoding: rest[(start + headSize)..<(start + headSize + size)], as: UTF8.self)))
      rest = rest.dropFirst(headSize + size)
    }
    return records
  }

  func subvolume(below directory: String) -> BtrfsSubvolume {
    BtrfsSubvolume(
      path: "\(directory)/\(path)", id: Int64(clamping: id), uuid: Self.uuid(uuid), parentUuid: Self.uuid(parent),
      readOnly: isReadOnly, generation: Int64(clamping: generation))
  }

  /// The usual form; nil for all zeroes.
  static func uuid(_ bytes: [UInt8]) -> String? {
    guard bytes.count == 16, bytes.contains(where: { $0 != 0 }) else { return nil }
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    return text
  }
}
