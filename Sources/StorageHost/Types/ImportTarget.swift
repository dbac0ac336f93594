// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol
internal import StorageRules

/// Which volume an import makes.
public enum ImportTarget: Sendable, Hashable {
  /// The next free disk of this guest; the image format follows the stream unless given.
  case newDisk(vmid: Int, format: String?)
  /// A volume of this name; when it is taken, another name is chosen if that is allowed.
  case volume(String, mayRename: Bool)

  var mayRename: Bool {
    switch self {
    case .newDisk: true
    case .volume(_, let mayRename): mayRename
    }
  }

  /// Tells one target from another in a request's fingerprint.
  var label: String {
    switch self {
    case .newDisk(let vmid, let format): "\(vmid) \(format ?? "")"
    case .volume(let name, _): name
    }
  }

  func check() throws(StorageError) {
    switch self {
    case .newDisk(let vmid, _): try InputChecks.vmid(vmid)
    case .volume(let name, _): try InputChecks.volname(name)
    }
  }

  /// The image format of the new volume: as asked, else as the stream carries it, else the storage's default.
  func imageFormat(_ facts: TypeFacts, stream: String, storeid: String) throws(StorageError) -> String {
    if case .newDisk(_, let format?) = self {
      try InputChecks.format(format, among: facts.formats, storeid: storeid)
      return format
    }
    let carried = stream.hasSuffix("+size") ? String(stream.dropLast(5)) : stream
    let wanted = carried == "tar" ? "subvol" : carried
    return facts.formats.contains(wanted) ? wanted : facts.defaultFormat
  }
}

extension ImportTarget {
  /// The guest a new disk is for; nil when the target is named.
  var owner: Int? { if case .newDisk(let vmid, _) = self { vmid } else { nil } }

  /// A name of the kind the target will get, to ask a storage which formats it receives there.
  func probe(_ storage: Storage, vmid: Int) throws(StorageError) -> String {
    switch self {
    case .volume(let name, _): return name
    case .newDisk(let owner, let format):
      guard let grammar = storage.facts.grammar else {
        throw .refused(
          .notSupported, "storage '\(storage.id)' cannot choose a name: its names follow no known grammar",
          hint: "name the target volume", field: "target")
      }
      let format = VolumeFormat(format ?? storage.facts.defaultFormat)
      do throws(RulesError) {
        let names = DiskNames(grammar)
        let name = try names.nextFree(vmid: owner, format: format, existing: [String]())
        return try names.image(vmid: owner, name: name, format: nil).text
      } catch { throw StorageError(error, context: "storage '\(storage.id)'") }
    }
  }
}
