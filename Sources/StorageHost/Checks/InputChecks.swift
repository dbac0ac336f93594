// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol
internal import StorageRules

/// Refuses what no storage may ever see, before a plugin, a lock or the journal is touched.
enum InputChecks {
  /// The largest size of a volume: 2^63 - 1 rounded down to 1 KiB.
  static let maximumSize: Int64 = .max - 1_023
  /// Guests are numbered from 100 in PVE, but any positive 30-bit number is a name.
  static let vmids = 1...999_999_999

  /// A volume name: not empty, no NUL, no `..`, not absolute, not too long.
  static func volname(_ name: String) throws(StorageError) {
    do { try NameSafety.check(name) } catch {
      throw .refused(
        .nameInvalid, "volume name \(Quoted(name)) is not allowed: \(error.message)",
        hint: error.hint ?? "see the names that exist with 'berth volume list'", field: "volname")
    }
  }

  static func storeid(_ id: String) throws(StorageError) {
    do { try StorageName.check(id) } catch {
      throw .refused(
        .nameInvalid, error.message,
        hint: error.hint ?? "a letter first, then letters, digits, '-', '_' and '.', two or more in all",
        field: "storeid")
    }
  }

  /// A snapshot's name as PVE has it: a letter, then letters, digits, `_` and `-`, at most 40.
  static func snapname(_ name: String, mayBeCurrent: Bool = false) throws(StorageError) {
    let bytes = Array(name.utf8)
    func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    let isWellFormed =
      bytes.first.map(isLetter) == true && (2...40).contains(bytes.count)
      && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x5f || $0 == 0x2d }
    guard isWellFormed else {
      throw .refused(
        .nameInvalid, "snapshot name \(Quoted(name)) is not allowed",
        hint: "2 to 40 characters: a letter, then letters, digits, '_' or '-'", field: "snapname")
    }
    guard mayBeCurrent || name != "current" else {
      throw .refused(
        .nameInvalid, "the snapshot name 'current' means the volume's present state", hint: "choose another name",
        field: "snapname")
    }
  }

  /// A size in bytes of a new or resized volume.
  /// - Parameter mayBeZero: container subvolumes without a quota have size 0.
  static func size(_ bytes: Int64, mayBeZero: Bool = false) throws(StorageError) {
    guard bytes > 0 || (bytes == 0 && mayBeZero) else {
      throw .refused(
        .invalidParams, "a size of \(bytes) bytes is not allowed",
        hint: bytes == 0 ? "only 'subvol' volumes may have size 0" : "give a positive size", field: "size")
    }
    guard bytes <= maximumSize else {
      throw .refused(
        .invalidParams, "a size of \(bytes) bytes is too large", hint: "the largest is \(maximumSize)", field: "size")
    }
  }

  static func vmid(_ vmid: Int) throws(StorageError) {
    guard vmids.contains(vmid) else {
      throw .refused(
        .invalidParams, "guest number \(vmid) is not allowed", hint: "give a number from 1 to 999999999", field: "vmid")
    }
  }

  /// An image format the storage's type lists in its manifest.
  static func format(_ format: String, among known: [String], storeid: String) throws(StorageError) {
    guard known.contains(format) else {
      throw .refused(
        .formatUnsupported, "storage '\(storeid)' has no format \(Quoted(format))",
        hint: "it has: \(known.joined(separator: ", "))", field: "format")
    }
  }

  /// Text that goes to a plugin as data: bounded, no NUL.
  static func text(_ value: String, field: String, maximum: Int = 65_536) throws(StorageError) {
    guard value.utf8.count <= maximum else {
      throw .refused(
        .invalidParams, "\(field) has \(value.utf8.count) bytes", hint: "the limit is \(maximum)", field: field)
    }
    guard !value.utf8.contains(0) else {
      throw .refused(.invalidParams, "\(field) holds a NUL character", hint: "remove it", field: field)
    }
  }
}

/// Text of a stranger in a message: quoted, printable, at most 64 characters.
struct Quoted: CustomStringConvertible {
  let text: String
  init(_ text: String) { self.text = text }

  var description: String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(64) {
      shown += scalar.value < 0x20 || scalar.value == 0x7f ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return "'" + shown + (text.unicodeScalars.count > 64 ? "…" : "") + "'"
  }
}
