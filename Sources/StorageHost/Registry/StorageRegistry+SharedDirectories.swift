// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox
internal import StorageConfig
internal import StorageProtocol

extension StorageRegistry {
  /// Which of the directories that a storage's plugin asks for other storages' plugins ask for as well, or for a part or
  /// the whole around them: allowed, as in Proxmox VE, and worth a word. One warning for each other storage.
  func sharedDirectories(_ storeid: String) -> [String] {
    let mine = directories(storeid)
    guard !mine.isEmpty else { return [] }
    return config.snapshot.entries.filter { $0.id != storeid }.compactMap { other in
      for theirs in directories(other.id) {
        let both = mine.first { PathPolicy.isBeneath($0, theirs) || PathPolicy.isBeneath(theirs, $0) }
        guard let both else { continue }
        return "storage '\(other.id)' has \(theirs) as well, '\(storeid)' has \(both): what one of them keeps there "
          + "the other's plugin can read, change and remove"
      }
      return nil
    }
  }

  private func directories(_ storeid: String) -> [String] {
    guard let entry = config.snapshot[storeid], let config = entry.usable?.config,
      let bundle = bundle(serving: entry.type)
    else { return [] }
    return bundle.request.files.compactMap { $0.path.properties.isEmpty ? nil : $0.path.resolved(config) }
  }
}
