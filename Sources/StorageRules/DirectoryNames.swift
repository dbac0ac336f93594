// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The grammar of storages that keep files below a path.
enum DirectoryNames {
  static func parse(_ text: String) throws(RulesError) -> VolumeName {
    let parts = slashParts(text)
    guard parts.count > 1 else {
      throw RulesError(
        .invalidName, "directory volume name \(quoted(text)) has no slash",
        hint: "names look like '100/vm-100-disk-0.qcow2' or 'iso/debian.iso'")
    }
    if let first = parts[0].utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") {
      return try image(parts, text)
    }
    switch parts[0] {
    case "iso": return try file(.iso, parts, text) { isISO($0) ? .raw : nil }
    case "vztmpl": return try file(.vztmpl, parts, text) { isTemplate($0) ? .raw : nil }
    case "backup": return try backup(parts, text)
    case "snippets": return try file(.snippets, parts, text) { _ in .raw }
    case "import": return try importable(parts, text)
    default:
      throw RulesError(
        .invalidName, "\(quoted(parts[0])) in volume name \(quoted(text)) is neither a guest's number nor a kind",
        hint: "a name begins with a number, iso, vztmpl, backup, snippets or import")
    }
  }

  // MARK: Images

  /// `VMID/NAME`, or `BASEVMID/BASENAME/VMID/NAME` for a linked clone.
  private static func image(_ parts: [Substring], _ text: String) throws(RulesError) -> VolumeName {
    guard parts.count == 2 || parts.count == 4 else {
      throw RulesError(
        .invalidName, "image name \(quoted(text)) has \(parts.count) parts",
        hint: "an image is VMID/NAME, a linked clone BASEVMID/BASENAME/VMID/NAME")
    }
    let own = parts.count - 2
    let vmid = try owner(parts[own], text)
    let (format, isBase) = try imageFile(parts[own + 1], text)
    guard parts.count == 4 else {
      return VolumeName(
        grammar: .directory, type: .images, name: parts[1], vmid: vmid, isBase: isBase, format: format, text: text)
    }
    let basevmid = try owner(parts[0], text)
    _ = try imageFile(parts[1], text)
    return VolumeName(
      grammar: .directory, type: .images, name: parts[3], vmid: vmid, basename: String(parts[1]), basevmid: basevmid,
      isBase: isBase, format: format, text: text)
  }

  private static func owner(_ part: Substring, _ text: String) throws(RulesError) -> Int {
    guard let number = wholeNumber(part) else {
      throw RulesError(
        .invalidName, "\(quoted(part)) in image name \(quoted(text)) is no guest's number (1 to 9 digits)")
    }
    // Two names of one file would be two volumes to whoever locks, counts or compares them.
    guard part == String(number) else {
      throw RulesError(
        .invalidName, "the guest's number \(quoted(part)) in image name \(quoted(text)) begins with a zero",
        hint: "write it as \(number)")
    }
    return number
  }

  /// The file name of an image: format from its ending, base from its beginning.
  static func imageFile(_ name: Substring, _ text: String) throws(RulesError) -> (format: VolumeFormat, isBase: Bool) {
    guard hasNoBlank(name) else {
      throw RulesError(.invalidName, "image name \(quoted(text)) holds a blank")
    }
    guard let format = VolumeFormat.images.first(where: { (name.before(".\($0)")?.isEmpty ?? true) == false }) else {
      throw RulesError(
        .invalidName, "image name \(quoted(text)) does not end in a format",
        hint: "the endings are .raw, .qcow2, .vmdk and .subvol")
    }
    if name.after("snap-") != nil, format == .qcow2 {
      throw RulesError(
        .invalidName, "\(quoted(name)) is the file of a snapshot, not a volume",
        hint: "name the volume and the snapshot separately")
    }
    let stem = name.before(".\(format)") ?? name
    return (format, (stem.after("base-")?.isEmpty ?? true) == false)
  }

  // MARK: Files

  private static func file(
    _ type: VolumeType, _ parts: [Substring], _ text: String, _ format: (Substring) -> VolumeFormat?
  ) throws(RulesError) -> VolumeName {
    guard parts.count == 2 else {
      throw RulesError(.invalidName, "\(type) name \(quoted(text)) holds a slash in its file name")
    }
    guard let found = format(parts[1]) else {
      throw RulesError(
        .invalidName, "\(type) name \(quoted(text)) has the wrong ending", hint: "it must end in \(endings(type))")
    }
    return VolumeName(grammar: .directory, type: type, name: parts[1], format: found, text: text)
  }

  private static func endings(_ type: VolumeType) -> String {
    switch type {
    case .iso: ".iso or .img"
    case .vztmpl: ".tar, .tar.gz, .tar.xz, .tar.zst or .tar.bz2"
    case .backup: ".tgz, .tar or .vma, the latter two also with .gz, .lzo, .zst or .bz2"
    case .import: ".ova, .ovf, .qcow2, .raw or .vmdk"
    case .images: ".raw, .qcow2, .vmdk or .subvol"
    case .snippets: "anything"
    }
  }

  private static func isISO(_ name: Substring) -> Bool {
    guard name.utf8.count > 4 else { return false }
    let ending = String(decoding: name.utf8.suffix(4), as: UTF8.self).lowercased()
    return ending == ".iso" || ending == ".img"
  }

  private static func isTemplate(_ name: Substring) -> Bool {
    [".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"].contains { name.before($0)?.isEmpty == false }
  }

  private static func backup(_ parts: [Substring], _ text: String) throws(RulesError) -> VolumeName {
    let plain = try file(.backup, parts, text) { BackupName.archiveEnding($0) == nil ? nil : .raw }
    return VolumeName(
      grammar: .directory, type: .backup, name: plain.name, vmid: BackupName.owner(Substring(plain.name)), format: .raw,
      text: text)
  }

  // MARK: Import

  /// `import/NAME.FMT`, or a disk inside an appliance: `import/NAME.ova/DISK.FMT`.
  private static func importable(_ parts: [Substring], _ text: String) throws(RulesError) -> VolumeName {
    guard parts.count == 2 || parts.count == 3 else {
      throw RulesError(
        .invalidName, "import name \(quoted(text)) has \(parts.count) parts",
        hint: "write import/FILE, or import/FILE.ova/DISK for a disk inside an appliance")
    }
    for part in parts.dropFirst() where !part.utf8.allSatisfy(isSafe) {
      throw RulesError(
        .invalidName, "import name \(quoted(text)) holds a character that is not allowed",
        hint: "allowed are letters, digits, blanks and - . + = _")
    }
    if parts.count == 3 {
      guard parts[1].before(".ova")?.isEmpty == false else {
        throw RulesError(.invalidName, "only an .ova holds disks, and \(quoted(parts[1])) is none")
      }
      guard let inner = ending(parts[2], [.qcow2, .raw, .vmdk]) else {
        throw RulesError(
          .invalidName, "the disk \(quoted(parts[2])) inside an appliance must end in .qcow2, .raw or .vmdk")
      }
      return VolumeName(
        grammar: .directory, type: .import, name: "\(parts[1])/\(parts[2])", format: .insideOVA(inner), text: text)
    }
    return try file(.import, parts, text) { ending($0, [.ova, .ovf, .qcow2, .raw, .vmdk]) }
  }

  private static func ending(_ name: Substring, _ formats: [VolumeFormat]) -> VolumeFormat? {
    formats.first { name.before(".\($0)")?.isEmpty == false }
  }

  private static func isSafe(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
