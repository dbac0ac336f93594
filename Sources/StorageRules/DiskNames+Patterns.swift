// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageProtocol

/// Bases and clones of volumes whose names a manifest's pattern reads: the manifest says what they are called.
extension DiskNames {
  func base(of volume: VolumeName, by pattern: VolumeNamePattern) throws(RulesError) -> VolumeName {
    guard let template = pattern.base else {
      throw RulesError(
        .unsupported,
        "\(quoted(volume.text)) cannot become a base image: the pattern that reads its name, "
          + "\(quoted(pattern.pattern.source)), has no member 'base'",
        hint: "the plugin's vendor adds it to the manifest (see volumeNamePatterns in protocol/README.md), "
          + "or rename the volume to a name of the grammar first")
    }
    var values = ["name": volume.name, "format": volume.format.rawValue]
    values["vmid"] = volume.vmid.map(String.init)
    values["basename"] = volume.basename
    values["basevmid"] = volume.basevmid.map(String.init)
    let base = try named(template, values, "base", of: volume)
    guard base.isBase, base.type == .images, base.format == volume.format else {
      throw fault("'base' of \(quoted(volume.text)) is \(quoted(base.text)), which reads as no base of its format")
    }
    return base
  }

  func clone(
    of base: VolumeName, vmid: Int, name: String, by pattern: VolumeNamePattern
  ) throws(RulesError) -> VolumeName {
    guard let template = pattern.clone else {
      guard grammar.clonesNameTheirBase else { return try image(vmid: vmid, name: name) }
      throw RulesError(
        .unsupported,
        "\(quoted(base.text)) has no linked clones: the pattern that reads its name, "
          + "\(quoted(pattern.pattern.source)), has no member 'clone'",
        hint: "the plugin's vendor adds it to the manifest (see volumeNamePatterns in protocol/README.md), "
          + "or copy the volume in full")
    }
    var values = ["base": base.name, "vmid": String(vmid), "disk": name]
    values["basevmid"] = base.vmid.map(String.init)
    let clone = try named(template, values, "clone", of: base)
    guard !clone.isBase, clone.type == .images, clone.vmid == vmid else {
      throw fault("'clone' of \(quoted(base.text)) is \(quoted(clone.text)), which reads as no image of guest \(vmid)")
    }
    return clone
  }

  private func named(
    _ template: NameTemplate, _ values: [String: String], _ member: String, of volume: VolumeName
  ) throws(RulesError) -> VolumeName {
    guard let text = template.filled(values) else {
      throw fault("'\(member)' of \(quoted(volume.text)) needs a part that its name does not have: \(template)")
    }
    do throws(RulesError) { return try VolumeName(parsing: text, grammar: grammar, patterns: patterns) } catch {
      throw fault("'\(member)' of \(quoted(volume.text)) is \(quoted(text)), and \(error.message)")
    }
  }

  private func fault(_ message: String) -> RulesError {
    RulesError(.unsupported, message, hint: "this is a fault of the plugin's manifest: tell its vendor")
  }
}
