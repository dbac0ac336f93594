// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// A volume's name within its storage, taken apart: the part of a volume id after the first colon.
///
/// A value of this type always came through ``init(parsing:grammar:)``: whoever holds one holds a name that cannot
/// leave its storage, and ``text`` gives back exactly the characters that were read.
public struct VolumeName: Sendable, Hashable, CustomStringConvertible {
  /// The grammar that read the name.
  public let grammar: VolumeGrammar
  public let type: VolumeType
  /// The name without owner and base: `vm-100-disk-0.qcow2`, `debian.iso`, `appliance.ova/disk.vmdk`.
  public let name: String
  /// The guest that owns the volume; `nil` where names have no owner (iso, snippets, a renamed backup).
  public let vmid: Int?
  /// The name of the base image a linked clone stands on.
  public let basename: String?
  /// The guest that owns the base image.
  public let basevmid: Int?
  /// Whether this volume is itself a base image: read-only, a stem for linked clones.
  public let isBase: Bool
  public let format: VolumeFormat
  /// The whole name, exactly as read.
  public let text: String
  /// The manifest's pattern that read the name; nil when the grammar did.
  public let pattern: VolumeNamePattern?

  init(
    grammar: VolumeGrammar, type: VolumeType, name: some StringProtocol, vmid: Int? = nil, basename: String? = nil,
    basevmid: Int? = nil, isBase: Bool = false, format: VolumeFormat, text: String,
    pattern: VolumeNamePattern? = nil
  ) {
    self.grammar = grammar
    self.type = type
    self.name = String(name)
    self.vmid = vmid
    self.basename = basename
    self.basevmid = basevmid
    self.isBase = isBase
    self.format = format
    self.text = text
    self.pattern = pattern
  }

  /// The name as it is written: parsing it again gives an equal value.
  public var description: String { text }

  /// Reads a volume name.
  ///
  /// - Throws: `HOSTILE_NAME` for what no storage may ever see (see ``NameSafety``), `INVALID_NAME` with the reason
  ///   for what the grammar does not read.
  public init(parsing text: String, grammar: VolumeGrammar) throws(RulesError) {
    try NameSafety.check(text)
    switch grammar {
    case .directory: self = try DirectoryNames.parse(text)
    case .lvm: self = try BlockNames.parseLVM(text)
    case .lvmthin: self = try BlockNames.parseThin(text)
    case .zfspool: self = try BlockNames.parseDataset(text)
    case .rbd: self = try BlockNames.parseRBD(text)
    }
  }

  /// The volume id of this name on a storage: `storeid:volname`.
  public func volumeID(on storeid: String) -> String { "\(storeid):\(text)" }
}
