// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The configuration at one moment, as the host uses it.
public struct ConfigSnapshot: Sendable {
  /// The file, byte for byte.
  public let file: StorageConfigFile
  /// Of the file's text.
  public let digest: String
  /// In the order of the file, broken ones among them.
  public let entries: [StorageEntry]

  private let places: [String: Int]

  init(file: StorageConfigFile, schema: StorageSchema) {
    self.file = file
    digest = file.digest
    entries = schema.resolve(file)
    places = Dictionary(entries.enumerated().map { ($1.id, $0) }) { first, _ in first }
  }

  /// The storage with an id, usable or broken.
  public subscript(id: String) -> StorageEntry? { places[id].map { entries[$0] } }

  /// The storage with an id, if it can be used.
  ///
  /// - Throws: `STORAGE_NOT_FOUND`, or `SECTION_BROKEN` with the first reason.
  public func storage(_ id: String) throws(ConfigError) -> ResolvedStorage {
    switch self[id] {
    case .usable(let storage): return storage
    case .broken(let storage):
      throw ConfigError(
        .broken, "storage \(quoted(id)) is disabled: \(storage.reason)", storeid: id,
        hint: "correct its configuration or remove it")
    case nil: throw ConfigError(.notFound, "storage \(quoted(id)) does not exist", storeid: id)
    }
  }

  /// Every problem of the file and its sections, by line.
  public var problems: [ConfigProblem] {
    (file.problems + entries.flatMap(\.problems)).sorted { ($0.line ?? 0) < ($1.line ?? 0) }
  }
}
