// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// Names the host chooses: the next free disk, a base's name, a clone's name, a renamed volume's name.
public struct DiskNames: Sendable {
  /// Numbers run from 0 to one less than this.
  public static let maximumPerGuest = 1024

  public let grammar: VolumeGrammar
  /// Whether disks of every format of a guest share one row of numbers. Storages that hold subvolumes do;
  /// on the others `vm-100-disk-0.raw` and `vm-100-disk-0.qcow2` may stand side by side.
  public let sharesNumbers: Bool
  /// Names beside those of the grammar.
  public let patterns: [VolumeNamePattern]

  public init(_ grammar: VolumeGrammar, sharesNumbers: Bool = true, patterns: [VolumeNamePattern] = []) {
    self.grammar = grammar
    self.sharesNumbers = sharesNumbers
    self.patterns = patterns
  }

  /// The first free `vm-VMID-disk-N`, without owner and base (`subvol-VMID-disk-N` for subvolumes).
  ///
  /// - Parameter existing: the volume names of the storage, at least those of this guest; names of other guests and
  ///   names the grammar does not read are skipped, but a foreign name that could collide still blocks its number.
  /// - Throws: `NO_FREE_NAME` when all ``maximumPerGuest`` numbers are taken.
  public func nextFree(
    vmid: Int, format: VolumeFormat, existing: some Sequence<String>
  ) throws(RulesError) -> String {
    try checkOwner(vmid)
    let ending = suffix(format)
    var taken = [Bool](repeating: false, count: Self.maximumPerGuest)
    for volname in existing {
      guard let (number, rest) = diskNumber(volname, vmid), number < taken.count else { continue }
      if sharesNumbers || rest == ending { taken[number] = true }
    }
    guard let free = taken.firstIndex(of: false) else {
      throw RulesError(
        .noFreeName, "guest \(vmid) has \(Self.maximumPerGuest) disks on this storage, no number is left",
        hint: "free a disk of the guest or name the new one yourself")
    }
    return "\(prefix(format))-\(vmid)-disk-\(free)\(ending)"
  }

  /// The full volume name of a new image: owner and name as the grammar joins them.
  ///
  /// - Throws: `INVALID_NAME` when the grammar does not read the result, or reads another owner or format.
  public func image(vmid: Int, name: String, format: VolumeFormat? = nil) throws(RulesError) -> VolumeName {
    try checkOwner(vmid)
    let text = grammar == .directory ? "\(vmid)/\(name)" : name
    let volume = try VolumeName(parsing: text, grammar: grammar)
    try expect(volume, vmid: vmid, format: format, basename: nil)
    return volume
  }

  /// The name of a linked clone of a base image.
  ///
  /// - Throws: `UNSUPPORTED` when the source is no base image.
  public func clone(of base: VolumeName, vmid: Int, name: String) throws(RulesError) -> VolumeName {
    guard base.type == .images else {
      throw RulesError(.unsupported, "\(quoted(base.text)) is no disk image, it cannot be cloned")
    }
    guard base.isBase else {
      throw RulesError(
        .unsupported, "\(quoted(base.text)) is not a base image", hint: "make it one first, or copy it in full")
    }
    if let pattern = base.pattern { return try clone(of: base, vmid: vmid, name: name, by: pattern) }
    guard grammar.clonesNameTheirBase else { return try image(vmid: vmid, name: name) }
    guard let owner = base.vmid else {
      throw RulesError(.unsupported, "\(quoted(base.text)) has no owner, it cannot be cloned")
    }
    let text = grammar == .directory ? "\(owner)/\(base.name)/\(vmid)/\(name)" : "\(base.name)/\(name)"
    let volume = try VolumeName(parsing: text, grammar: grammar)
    try expect(volume, vmid: vmid, format: nil, basename: base.name)
    return volume
  }

  /// The name an image gets when it becomes a base: `vm-` and `subvol-` turn into `base-` (`basevol-` for datasets).
  ///
  /// - Throws: `UNSUPPORTED` for what is no image, is a base already, or has no prefix to turn.
  public func base(of volume: VolumeName) throws(RulesError) -> VolumeName {
    guard volume.type == .images else {
      throw RulesError(.unsupported, "\(quoted(volume.text)) is no disk image, it cannot become a base")
    }
    guard !volume.isBase else { throw RulesError(.unsupported, "\(quoted(volume.text)) is a base image already") }
    guard grammar != .lvm else {
      throw RulesError(.unsupported, "plain logical volumes cannot become base images", hint: "use thin volumes")
    }
    if let pattern = volume.pattern { return try self.base(of: volume, by: pattern) }
    let name = Substring(volume.name)
    let newName: String
    if let rest = name.after("vm-") {
      newName = "base-\(rest)"
    } else if let rest = name.after("subvol-") {
      newName = grammar == .zfspool ? "basevol-\(rest)" : "base-\(rest)"
    } else {
      throw RulesError(
        .unsupported, "\(quoted(volume.name)) cannot become a base image: it does not begin with 'vm-' or 'subvol-'",
        hint: "rename the volume first")
    }
    return try replacingName(of: volume, with: newName)
  }

  /// The name of a renamed volume: another owner, another name, or both.
  ///
  /// A new owner needs a new name. Without a new owner the old one stays. A linked clone keeps its base.
  ///
  /// - Parameters:
  ///   - name: the new name; `nil` takes the next free one of the new owner.
  ///   - existing: the volume names of the storage, for the next free name.
  /// - Throws: `INVALID_NAME` when neither is given, or when the name belongs to another guest or format.
  public func renamed(
    _ volume: VolumeName, vmid: Int?, name: String?, existing: some Sequence<String>
  ) throws(RulesError) -> VolumeName {
    guard vmid != nil || name != nil else {
      throw RulesError(.invalidName, "renaming \(quoted(volume.text)) needs a new owner or a new name")
    }
    guard volume.type == .images, let owner = vmid ?? volume.vmid else {
      throw RulesError(.unsupported, "\(quoted(volume.text)) is no disk image, it has no owner to change")
    }
    guard !volume.isBase else {
      throw RulesError(.unsupported, "\(quoted(volume.text)) is a base image: its clones would lose their base")
    }
    try checkOwner(owner)
    let newName: String
    if let name {
      newName = name
    } else {
      newName = try nextFree(vmid: owner, format: volume.format, existing: existing)
    }
    let text: String
    switch (grammar, volume.basename) {
    case (.directory, nil): text = "\(owner)/\(newName)"
    case (.directory, .some(let base)): text = "\(volume.basevmid ?? owner)/\(base)/\(owner)/\(newName)"
    case (_, nil): text = newName
    case (_, .some(let base)): text = "\(base)/\(newName)"
    }
    let result = try VolumeName(parsing: text, grammar: grammar)
    try expect(result, vmid: owner, format: volume.format, basename: volume.basename)
    return result
  }

  // MARK: Details

  private func checkOwner(_ vmid: Int) throws(RulesError) {
    guard (0...999_999_999).contains(vmid) else {
      throw RulesError(.invalidName, "\(vmid) is no guest's number: it must be between 0 and 999999999")
    }
  }

  private func expect(
    _ volume: VolumeName, vmid: Int, format: VolumeFormat?, basename: String?
  ) throws(RulesError) {
    guard volume.type == .images else {
      throw RulesError(.invalidName, "\(quoted(volume.text)) is no disk image")
    }
    guard volume.vmid == vmid, ownerInName(volume.name).map({ $0 == vmid }) ?? true else {
      throw RulesError(
        .invalidName, "the name \(quoted(volume.name)) belongs to another guest than \(vmid)",
        hint: "name it 'vm-\(vmid)-…'")
    }
    guard volume.basename == basename else {
      throw RulesError(.invalidName, "the name \(quoted(volume.text)) holds a base image's name it should not hold")
    }
    if let format, volume.format != format {
      throw RulesError(
        .invalidName, "the name \(quoted(volume.name)) means format \(volume.format), asked for is \(format)",
        hint: grammar.namesCarryFormat ? "let the name end in .\(format)" : nil)
    }
  }

  /// The guest's number inside `vm-N-…` and the like; `nil` for other names.
  private func ownerInName(_ name: String) -> Int? {
    for prefix in Self.prefixes {
      if let (number, rest) = Substring(name).after("\(prefix)-").flatMap(leadingNumber), rest.after("-") != nil {
        return number
      }
    }
    return nil
  }

  private func replacingName(of volume: VolumeName, with name: String) throws(RulesError) -> VolumeName {
    let head = volume.text.utf8.dropLast(volume.name.utf8.count)
    return try VolumeName(parsing: String(Substring(head)) + name, grammar: grammar)
  }

  private func prefix(_ format: VolumeFormat) -> String { format == .subvol ? "subvol" : "vm" }

  private func suffix(_ format: VolumeFormat) -> String {
    switch grammar {
    case .directory: ".\(format)"
    case .lvm: format == .qcow2 ? ".qcow2" : ""
    case .lvmthin, .zfspool, .rbd: ""
    }
  }

  private static let prefixes = ["vm", "base", "subvol", "basevol"]

  /// The N of `…-VMID-disk-N` in a volume name's last part, and what follows it.
  private func diskNumber(_ volname: String, _ vmid: Int) -> (number: Int, rest: Substring)? {
    let last = volname.utf8.lastIndex(of: UInt8(ascii: "/")).map { volname.utf8.index(after: $0) }
    let name = last.map { volname[$0...] } ?? Substring(volname)
    for prefix in Self.prefixes {
      if let (owner, rest) = name.after("\(prefix)-").flatMap(leadingNumber), owner == vmid,
        let found = rest.after("-disk-").flatMap(leadingNumber)
      {
        return found
      }
    }
    return nil
  }
}
