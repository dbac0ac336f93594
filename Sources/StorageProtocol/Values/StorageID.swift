// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The name of a configured storage, checked: `^[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]$`, at most 100 bytes.
public struct StorageID: Sendable, Hashable, CustomStringConvertible {
  /// The name as written.
  public let text: String

  /// - Throws: `NAME_INVALID` for anything that is no storage name.
  public init(_ text: String) throws(StorageError) {
    if let reason = TextRule.storageId.fault(in: text) {
      throw StorageError(
        .nameInvalid, "\(ForeignText.quoted(text)) is no storage id: it \(reason)", outcome: .notStarted,
        hint: "a storage id begins with a letter, ends with a letter or digit and holds letters, digits, '-', '_', '.'")
    }
    self.text = text
  }

  public var description: String { text }
}

extension StorageID: JSONCodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let text = try String(json: json, path: path)
    if let reason = TextRule.storageId.fault(in: text) { throw .invalid(reason, at: path) }
    self.text = text
  }

  public func json() -> JSON { .string(text) }
}
