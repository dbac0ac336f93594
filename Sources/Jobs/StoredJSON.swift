// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Reads back what this module wrote; a failure means the file was changed by another hand.
enum StoredJSON {
  static func parse(_ text: String, _ what: String) throws(JobsError) -> JSON {
    do { return try JSON.parse(text, limits: JSONLimits(maxBytes: 64 << 20)) } catch {
      throw JobsError(.journalBroken, "a stored \(what) cannot be read: \(error)")
    }
  }

  static func error(_ text: String, _ what: String) throws(JobsError) -> StorageError {
    let json = try parse(text, what)
    do { return try json.decode() } catch {
      throw JobsError(.journalBroken, "the stored error of a \(what) cannot be read: \(error)")
    }
  }
}
