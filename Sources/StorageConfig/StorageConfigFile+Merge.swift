// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension StorageConfigFile {
  /// This file with the sections of another one after its own, byte for byte, unknown types and comments included: how
  /// an existing Proxmox VE configuration is taken over.
  ///
  /// - Throws: `STORAGE_EXISTS` naming every id both files have, `DUPLICATE_SECTION` when the other file has one twice.
  ///   Nothing is renamed and nothing left out.
  public func merging(_ other: StorageConfigFile) throws(ConfigError) -> StorageConfigFile {
    let own = Set(sections.map(\.id))
    let both = other.sections.map(\.id).filter(own.contains)
    guard both.isEmpty else {
      throw ConfigError(
        .exists, "these storages exist in both files: \(Set(both).sorted().map { quoted($0) }.joined(separator: ", "))",
        storeid: both.first, hint: "rename or remove them in one of the files")
    }
    for section in other.sections { _ = try other.only(section.id) }
    guard let last = lines.last else { return other }
    guard let first = other.lines.first else { return self }
    let ending = last.ending.isEmpty ? [0x0a] : last.ending
    var merged = lines
    if last.ending.isEmpty { merged[merged.count - 1] = ConfigLine(last.bytes + ending) }
    if last.kind != .empty, first.kind != .empty { merged.append(ConfigLine(ending)) }
    return StorageConfigFile(lines: merged + other.lines)
  }
}
