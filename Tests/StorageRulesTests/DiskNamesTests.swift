// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import Testing

@Suite struct DiskNamesTests {
  @Test func `the first free number is found among all formats and bases`() throws {
    let names = DiskNames(.directory)
    let existing = [
      "100/vm-100-disk-0.raw", "100/base-100-disk-1.qcow2", "100/subvol-100-disk-2.subvol", "101/vm-101-disk-3.raw",
      "50/base-50-disk-3.raw/100/vm-100-disk-4.qcow2", "100/base-100-disk-1.qcow2/100/vm-100-disk-5.qcow2",
      "iso/a.iso", "100/unrelated.raw", "nonsense",
    ]
    #expect(try names.nextFree(vmid: 100, format: .raw, existing: existing) == "vm-100-disk-3.raw")
    #expect(try names.nextFree(vmid: 100, format: .subvol, existing: existing) == "subvol-100-disk-3.subvol")
    #expect(try names.nextFree(vmid: 200, format: .qcow2, existing: existing) == "vm-200-disk-0.qcow2")
  }

  @Test func `formats may count apart`() throws {
    let names = DiskNames(.directory, sharesNumbers: false)
    #expect(try names.nextFree(vmid: 100, format: .qcow2, existing: ["100/vm-100-disk-0.raw"]) == "vm-100-disk-0.qcow2")
    #expect(try names.nextFree(vmid: 100, format: .raw, existing: ["100/vm-100-disk-0.raw"]) == "vm-100-disk-1.raw")
  }

  @Test(arguments: [
    (VolumeGrammar.lvm, VolumeFormat.raw, "vm-100-disk-1"), (.lvm, .qcow2, "vm-100-disk-1.qcow2"),
    (.lvmthin, .raw, "vm-100-disk-1"), (.zfspool, .subvol, "subvol-100-disk-1"), (.zfspool, .raw, "vm-100-disk-1"),
    (.rbd, .raw, "vm-100-disk-1"),
  ])
  func `each grammar has its form`(grammar: VolumeGrammar, format: VolumeFormat, name: String) throws {
    #expect(try DiskNames(grammar).nextFree(vmid: 100, format: format, existing: ["vm-100-disk-0"]) == name)
    #expect(try DiskNames(grammar).image(vmid: 100, name: name).name == name)
  }

  @Test func `a guest has 1024 disks at most`() throws {
    let existing = (0..<1024).map { "100/vm-100-disk-\($0).raw" }
    let error = #expect(throws: RulesError.self) {
      try DiskNames(.directory).nextFree(vmid: 100, format: .raw, existing: existing)
    }
    #expect(error?.code == .noFreeName)
    #expect(
      try DiskNames(.directory).nextFree(vmid: 100, format: .raw, existing: existing.dropLast())
        == "vm-100-disk-1023.raw")
  }

  @Test(arguments: [
    (VolumeGrammar.directory, "100/vm-100-disk-0.qcow2", "100/base-100-disk-0.qcow2"),
    (.directory, "100/subvol-100-disk-0.subvol", "100/base-100-disk-0.subvol"),
    (.directory, "50/base-50-disk-0.raw/100/vm-100-disk-0.qcow2", "50/base-50-disk-0.raw/100/base-100-disk-0.qcow2"),
    (.lvmthin, "vm-100-disk-0", "base-100-disk-0"), (.zfspool, "subvol-100-disk-0", "basevol-100-disk-0"),
    (.zfspool, "base-50-disk-0/vm-100-disk-0", "base-50-disk-0/base-100-disk-0"),
    (.rbd, "vm-100-disk-0", "base-100-disk-0"),
  ])
  func `an image becomes a base`(grammar: VolumeGrammar, from: String, to: String) throws {
    let base = try DiskNames(grammar).base(of: VolumeName(parsing: from, grammar: grammar))
    #expect(base.text == to)
    #expect(base.isBase)
    #expect(throws: RulesError.self) { try DiskNames(grammar).base(of: base) }
  }

  @Test(arguments: [
    (
      VolumeGrammar.directory, "100/base-100-disk-0.raw", "vm-101-disk-0.qcow2",
      "100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2"
    ),
    (.zfspool, "base-100-disk-0", "vm-101-disk-0", "base-100-disk-0/vm-101-disk-0"),
    (.rbd, "base-100-disk-0", "vm-101-disk-0", "base-100-disk-0/vm-101-disk-0"),
    (.lvmthin, "base-100-disk-0", "vm-101-disk-0", "vm-101-disk-0"),
  ])
  func `a clone names its base where the grammar does`(
    grammar: VolumeGrammar, base: String, name: String, clone: String
  ) throws {
    let volume = try DiskNames(grammar).clone(of: VolumeName(parsing: base, grammar: grammar), vmid: 101, name: name)
    #expect(volume.text == clone)
  }

  @Test func `only base images are cloned`() throws {
    let volume = try VolumeName(parsing: "100/vm-100-disk-0.raw", grammar: .directory)
    #expect(throws: RulesError.self) {
      try DiskNames(.directory).clone(of: volume, vmid: 101, name: "vm-101-disk-0.raw")
    }
  }

  @Test func `renaming without a new owner keeps the owner`() throws {
    let names = DiskNames(.directory)
    let volume = try VolumeName(parsing: "100/vm-100-disk-0.raw", grammar: .directory)
    #expect(
      try names.renamed(volume, vmid: nil, name: "vm-100-disk-9.raw", existing: []).text == "100/vm-100-disk-9.raw")
    #expect(
      try names.renamed(volume, vmid: 200, name: nil, existing: ["200/vm-200-disk-0.raw"]).text
        == "200/vm-200-disk-1.raw")
    let clone = try VolumeName(parsing: "50/base-50-disk-0.raw/100/vm-100-disk-0.qcow2", grammar: .directory)
    #expect(
      try names.renamed(clone, vmid: 200, name: nil, existing: []).text
        == "50/base-50-disk-0.raw/200/vm-200-disk-0.qcow2")
    for (vmid, name) in [
      (nil, nil), (nil, "vm-101-disk-0.raw"), (200, "vm-100-disk-0.raw"), (200, "vm-200-disk-0.qcow2"),
      (nil, "../x.raw"),
    ] as [(Int?, String?)] {
      #expect(throws: RulesError.self) { try names.renamed(volume, vmid: vmid, name: name, existing: []) }
    }
  }

  @Test func `a name of another guest is refused`() {
    #expect(throws: RulesError.self) { try DiskNames(.directory).image(vmid: 100, name: "vm-101-disk-0.raw") }
    #expect(throws: RulesError.self) { try DiskNames(.rbd).image(vmid: 100, name: "base-1-a/vm-100-disk-0") }
    #expect(throws: RulesError.self) {
      try DiskNames(.directory).image(vmid: 100, name: "vm-100-disk-0.raw", format: .qcow2)
    }
    #expect(throws: RulesError.self) { try DiskNames(.directory).image(vmid: -1, name: "x.raw") }
  }
}
