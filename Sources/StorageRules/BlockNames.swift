// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The grammars of storages whose volumes are block devices or datasets.
enum BlockNames {
  /// `vm-VMID-*`, a logical volume; a `.qcow2` ending marks a volume of a chain.
  static func parseLVM(_ text: String) throws(RulesError) -> VolumeName {
    try checkLogicalVolume(text)
    let (_, vmid) = try head(Substring(text), ["vm"], text, .lvm)
    return VolumeName(
      grammar: .lvm, type: .images, name: text, vmid: vmid, format: text.hasSuffix(".qcow2") ? .qcow2 : .raw, text: text
    )
  }

  /// `(vm|base)-VMID-*`; the base of a clone is not in its name.
  static func parseThin(_ text: String) throws(RulesError) -> VolumeName {
    try checkLogicalVolume(text)
    let (prefix, vmid) = try head(Substring(text), ["vm", "base"], text, .lvmthin)
    return VolumeName(
      grammar: .lvmthin, type: .images, name: text, vmid: vmid, isBase: prefix == "base", format: .raw, text: text)
  }

  /// `[(base|basevol)-N-*/](base|basevol|vm|subvol)-N-*`.
  static func parseDataset(_ text: String) throws(RulesError) -> VolumeName {
    let (base, own) = try split(text, .zfspool)
    let (prefix, vmid) = try head(own, ["base", "basevol", "vm", "subvol"], text, .zfspool)
    let basevmid = try baseOwner(base, ["base", "basevol"], text, .zfspool)
    return VolumeName(
      grammar: .zfspool, type: .images, name: own, vmid: vmid, basename: base.map(String.init), basevmid: basevmid,
      isBase: prefix == "base" || prefix == "basevol",
      format: prefix == "subvol" || prefix == "basevol" ? .subvol : .raw, text: text)
  }

  /// `[base-N-*/](base|vm)-N-*`.
  ///
  /// The pattern of Proxmox VE also takes `-N-*` and `basevm-N-*`, by accident: no tool of it makes such names, and a
  /// name with a leading dash is an option to every command line it reaches. They are refused.
  static func parseRBD(_ text: String) throws(RulesError) -> VolumeName {
    let (base, own) = try split(text, .rbd)
    let (prefix, vmid) = try head(own, ["base", "vm"], text, .rbd)
    let basevmid = try baseOwner(base, ["base"], text, .rbd)
    return VolumeName(
      grammar: .rbd, type: .images, name: own, vmid: vmid, basename: base.map(String.init), basevmid: basevmid,
      isBase: prefix == "base", format: .raw, text: text)
  }

  /// Parts before and after the one slash; `@` and `#` would name a snapshot or a bookmark, never a volume.
  private static func split(
    _ text: String, _ grammar: VolumeGrammar
  ) throws(RulesError) -> (base: Substring?, own: Substring) {
    if text.utf8.contains(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "#") }) {
      throw RulesError(
        .invalidName, "\(grammar) name \(quoted(text)) names a snapshot or bookmark, not a volume",
        hint: "name the volume and the snapshot separately")
    }
    let parts = slashParts(text)
    guard parts.count <= 2 else {
      throw RulesError(
        .invalidName, "\(grammar) name \(quoted(text)) has \(parts.count) parts",
        hint: "a volume is NAME, a linked clone BASENAME/NAME")
    }
    return parts.count == 2 ? (parts[0], parts[1]) : (nil, parts[0])
  }

  private static func baseOwner(
    _ base: Substring?, _ prefixes: [String], _ text: String, _ grammar: VolumeGrammar
  ) throws(RulesError) -> Int? {
    guard let base else { return nil }
    return try head(base, prefixes, text, grammar).vmid
  }

  /// Reads `PREFIX-VMID-REST` with at least one character of rest and no blank.
  private static func head(
    _ name: Substring, _ prefixes: [String], _ text: String, _ grammar: VolumeGrammar
  ) throws(RulesError) -> (prefix: String, vmid: Int) {
    guard hasNoBlank(name) else {
      throw RulesError(.invalidName, "\(grammar) name \(quoted(text)) holds a blank")
    }
    guard let prefix = prefixes.first(where: { name.after("\($0)-") != nil }),
      let (vmid, rest) = name.after("\(prefix)-").flatMap(leadingNumber),
      rest.utf8.count > 1, rest.utf8.first == UInt8(ascii: "-")
    else {
      throw RulesError(
        .invalidName, "\(quoted(name)) is no \(grammar) volume name",
        hint: "names look like \(prefixes.map { "'\($0)-100-disk-0'" }.joined(separator: " or "))")
    }
    return (prefix, vmid)
  }

  /// The characters of logical volume names: letters, digits, `-`, `_`, `.`, a letter or digit first and last.
  private static func checkLogicalVolume(_ text: String) throws(RulesError) {
    guard StorageName.isLogicalVolumeName(text)
    else {
      throw RulesError(
        .invalidName, "\(quoted(text)) is no name of a logical volume",
        hint: "allowed are letters, digits, '-', '_' and '.', with a letter or digit first and last")
    }
  }
}

/// ASCII letters and digits.
func isAlphanumeric(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  default: false
  }
}
