// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageProtocol
import StorageRules
import TestSupport
import Testing

@Suite struct VolumeNamePatternTests {
  private func patterns() throws -> [VolumeNamePattern] {
    [
      VolumeNamePattern(pattern: try NamePattern("^pm-[0-9a-f]{8}_(?<vmid>[0-9]+)$"), format: "raw"),
      VolumeNamePattern(
        pattern: try NamePattern("^(?<name>golden-[a-z]+)\\.(?<format>raw|qcow2)$"), format: nil, isBase: true),
      VolumeNamePattern(
        pattern: try NamePattern(
          "^(?<basename>golden-[a-z]+)/(?<basevmid>[0-9]+)/(?<name>leaf-(?<vmid>[0-9]+)-[a-z]*)$"), format: "qcow2"),
    ]
  }

  @Test func `a pattern reads what the grammar does not`() throws {
    let patterns = try patterns()
    let plain = try VolumeName(parsing: "pm-00c0ffee_101", grammar: .rbd, patterns: patterns)
    #expect(plain.vmid == 101 && plain.format == .raw && plain.name == "pm-00c0ffee_101" && !plain.isBase)
    let base = try VolumeName(parsing: "golden-image.qcow2", grammar: .rbd, patterns: patterns)
    #expect(base.isBase && base.format == .qcow2 && base.name == "golden-image" && base.vmid == nil)
    let clone = try VolumeName(parsing: "golden-image/9/leaf-100-x", grammar: .rbd, patterns: patterns)
    #expect(clone.basename == "golden-image" && clone.basevmid == 9 && clone.vmid == 100 && clone.name == "leaf-100-x")
    // The grammar comes first.
    #expect(try VolumeName(parsing: "vm-100-disk-0", grammar: .rbd, patterns: patterns).name == "vm-100-disk-0")
  }

  @Test(arguments: ["pm-00c0ffee_1234567890", "pm-xyz_1", "golden-image.vmdk", "golden-/9/leaf", "pm-00c0ffee_1\n", ""])
  func `what nothing reads is refused with the reason`(text: String) throws {
    let patterns = try patterns()
    #expect(throws: RulesError.self) { try VolumeName(parsing: text, grammar: .rbd, patterns: patterns) }
  }

  @Test(arguments: ["../etc", "a/../b", "/etc/passwd", "a//b"])
  func `a pattern never lets a hostile name through`(text: String) throws {
    let anything = [VolumeNamePattern(pattern: try NamePattern("^(?<name>[^@]*)$"), format: "raw")]
    let error = #expect(throws: RulesError.self) { try VolumeName(parsing: text, grammar: .rbd, patterns: anything) }
    #expect(error?.code == .hostileName)
  }

  private func declared(_ base: String? = "golden-{name}_{vmid}", _ clone: String? = "{base}/{disk}") throws
    -> [VolumeNamePattern]
  {
    [
      VolumeNamePattern(
        pattern: try NamePattern("^(?<name>pm-[0-9a-f]{4})_(?<vmid>[0-9]+)$"), format: "raw",
        base: base.flatMap(NameTemplate.init)),
      VolumeNamePattern(
        pattern: try NamePattern("^(?<name>golden-[a-z0-9-]+)_(?<vmid>[0-9]+)$"), format: "raw", isBase: true,
        clone: clone.flatMap(NameTemplate.init)),
      VolumeNamePattern(
        pattern: try NamePattern("^(?<basename>golden-[a-z0-9-]+)/(?<name>vm-(?<vmid>[0-9]+)-disk-[0-9]+)$"),
        format: "raw"),
    ]
  }

  @Test func `bases and clones are called what the manifest declares`() throws {
    let patterns = try declared()
    let names = DiskNames(.rbd, patterns: patterns)
    let plain = try VolumeName(parsing: "pm-00ff_101", grammar: .rbd, patterns: patterns)
    let base = try names.base(of: plain)
    #expect(base.text == "golden-pm-00ff_101" && base.isBase && base.vmid == 101)
    let clone = try names.clone(of: base, vmid: 200, name: "vm-200-disk-0")
    #expect(clone.text == "golden-pm-00ff/vm-200-disk-0" && clone.vmid == 200 && clone.basename == "golden-pm-00ff")
    #expect(throws: RulesError.self) { try names.base(of: base) }
    #expect(throws: RulesError.self) { try names.clone(of: plain, vmid: 200, name: "vm-200-disk-0") }
    // Names of the grammar are not touched by any of this.
    let own = try VolumeName(parsing: "vm-100-disk-0", grammar: .rbd, patterns: patterns)
    #expect(try names.base(of: own).text == "base-100-disk-0")
  }

  @Test func `what is not declared is refused by name`() throws {
    let patterns = try declared(nil, nil)
    let plain = try VolumeName(parsing: "pm-00ff_101", grammar: .rbd, patterns: patterns)
    let base = try VolumeName(parsing: "golden-x_7", grammar: .rbd, patterns: patterns)
    let noBase = #expect(throws: RulesError.self) { try DiskNames(.rbd, patterns: patterns).base(of: plain) }
    #expect(noBase?.code == .unsupported && noBase?.message.contains("no member 'base'") == true)
    #expect(noBase?.hint?.contains("volumeNamePatterns") == true)
    let noClone = #expect(throws: RulesError.self) {
      try DiskNames(.rbd, patterns: patterns).clone(of: base, vmid: 200, name: "vm-200-disk-0")
    }
    #expect(noClone?.code == .unsupported && noClone?.message.contains("no member 'clone'") == true)
    // Where clones do not name their base the grammar's own name does.
    let thin = try VolumeName(parsing: "golden-x_7", grammar: .lvmthin, patterns: patterns)
    #expect(
      try DiskNames(.lvmthin, patterns: patterns).clone(of: thin, vmid: 200, name: "vm-200-disk-0").text
        == "vm-200-disk-0")
  }

  @Test(arguments: [
    ("nowhere:{name}", "{base}/{disk}"), ("pm-0000_{vmid}", "{base}/{disk}"),
    ("golden-{name}_{vmid}", "../{disk}"), ("golden-{name}_{vmid}", "golden-{disk}_{vmid}"),
    ("golden-{name}_{vmid}", "pm-00ff_1{vmid}"),
  ])
  func `a declaration that does not fit is the manifest's fault`(base: String, clone: String) throws {
    let patterns = try declared(base, clone)
    let names = DiskNames(.rbd, patterns: patterns)
    let plain = try VolumeName(parsing: "pm-00ff_101", grammar: .rbd, patterns: patterns)
    let error = #expect(throws: RulesError.self) {
      try names.clone(of: names.base(of: plain), vmid: 200, name: "vm-200-disk-0")
    }
    #expect(error?.hint?.contains("fault of the plugin's manifest") == true, "\(String(describing: error))")
  }

  @Test func `two ways to read a name are refused`() throws {
    let unclear = [
      VolumeNamePattern(pattern: try NamePattern("^(?<name>[a-z-]+)-(?<basename>[a-z-]+)$"), format: "raw")
    ]
    #expect(try VolumeName(parsing: "one-two", grammar: .rbd, patterns: unclear).basename == "two")
    let error = #expect(throws: RulesError.self) {
      try VolumeName(parsing: "one-two-three", grammar: .rbd, patterns: unclear)
    }
    #expect(error?.message.contains("more than one way") == true)
  }

  @Test func `no input crashes, and what is read is written as it was`() throws {
    let patterns = try patterns()
    var generator = SeededGenerator(seed: Fuzz.firstSeed)
    let pieces = [
      "pm-", "00c0ffee", "_", "101", "golden-", "image", ".raw", ".qcow2", "/", "9", "leaf-", "-", "vm-100-disk-0", "é",
      "\u{301}", "..", " ", "\0", "base-9-x",
    ]
    var read = 0
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...7, using: &generator)
      let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      for grammar in VolumeGrammar.allCases {
        guard let name = try? VolumeName(parsing: text, grammar: grammar, patterns: patterns) else { continue }
        read += 1
        #expect(name.description == text, "seed \(Fuzz.firstSeed)")
        #expect(try VolumeName(parsing: name.description, grammar: grammar, patterns: patterns) == name)
      }
    }
    #expect(read > 100)
  }

  @Test(.timeLimit(.minutes(1))) func `no pattern makes reading slow`() throws {
    let nasty = try NamePattern("^(?<name>(?:a|a)*(?:a|aa)*(?:a*a*a*)*b?)$")
    #expect(nasty.read(String(repeating: "a", count: 20_000) + "c") == .noMatch)
    #expect(nasty.read(String(repeating: "a", count: 20_000)) != .noMatch)
  }

  @Test(arguments: [
    "(?<vmid>x)", "^(?<vmid>x)", "^(?<vmid>x)$|y", "^(?<vmid>x)(?<vmid>y)$", "^(?<vmid>x)*$", "^(?:a(?<vmid>x))+$",
    "^(?<VM>x)$", "^(?<>x)$", "^(?=x)$", "^(?<!x)$", "^(?<vmid>x$",
  ])
  func `what is no such pattern is refused`(source: String) {
    #expect(throws: PatternError.self) { try NamePattern(source) }
  }
}
