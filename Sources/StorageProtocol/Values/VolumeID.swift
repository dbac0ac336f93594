// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A volume of a storage: `storeid:volname`. The first colon separates; the name may hold more.
///
/// The name is checked for what the protocol allows on the wire, not against the storage's grammar.
public struct VolumeID: Sendable, Hashable, CustomStringConvertible {
  public let storage: StorageID
  /// The name inside the storage.
  public let volname: String

  /// - Throws: `NAME_INVALID` when the name is none.
  public init(storage: StorageID, volname: String) throws(StorageError) {
    if let reason = TextRule.volumeName.fault(in: volname) {
      throw StorageError(
        .nameInvalid, "\(ForeignText.quoted(volname)) is no volume name: it \(reason)", outcome: .notStarted)
    }
    self.storage = storage
    self.volname = volname
  }

  /// - Throws: `NAME_INVALID` when there is no colon or a side of it is wrong.
  public init(_ text: String) throws(StorageError) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      throw StorageError(
        .nameInvalid, "volume id \(ForeignText.quoted(text)) has no ':'", outcome: .notStarted,
        hint: "a volume id is STORAGE:NAME, such as local:100/vm-100-disk-0.qcow2")
    }
    try self.init(
      storage: StorageID(String(text[..<colon])), volname: String(text[text.utf8.index(after: colon)...]))
  }

  public var description: String { "\(storage.text):\(volname)" }
}

extension VolumeID: JSONCodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let text = try String(json: json, path: path)
    do throws(StorageError) { try self.init(text) } catch { throw .invalid(error.message, at: path) }
  }

  public func json() -> JSON { .string(description) }
}
