// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import Testing

@Suite struct BackupNameTests {
  @Test func `a standard name tells everything`() throws {
    let name = try BackupName(parsing: "vzdump-qemu-100-2024_05_01-12_34_56.vma.zst")
    #expect(name.guestType == "qemu")
    #expect(name.archive == "vma")
    #expect(name.compression == "zst")
    #expect(name.vmid == 100)
    #expect(name.time == CivilTime(year: 2024, month: 5, day: 1, hour: 12, minute: 34, second: 56))
    #expect(name.logFilename == "vzdump-qemu-100-2024_05_01-12_34_56.log")
    #expect(name.notesFilename == "vzdump-qemu-100-2024_05_01-12_34_56.vma.zst.notes")
    #expect(name.protectedFilename == "vzdump-qemu-100-2024_05_01-12_34_56.vma.zst.protected")
  }

  @Test(arguments: [
    "vzdump-qemu-100-2024_02_30-12_34_56.vma", "vzdump-qemu-99-2024_05_01-12_34_56.vma", "vzdump-qemu-100-renamed.vma",
    "vzdump-qemu-0100-2024_05_01-12_34_56.vma", "vzdump-qemu-100-2024_05_01-12_34_56-2.vma", "mine.tar",
    "vzdump-qemu-100.tar",
    "vzdump-qemu-100-2024_05_01-12_34_56.vma.gz.tgz",
  ])
  func `other names are archives of no standard`(text: String) throws {
    let name = try BackupName(parsing: text)
    #expect(!name.isStandard)
    #expect(name.logFilename == nil)
  }

  @Test func `tgz is a compressed tar`() throws {
    let name = try BackupName(parsing: "vzdump-openvz-777-2010_01_02-03_04_05.tgz")
    #expect(name.archive == "tar" && name.compression == "gz" && name.vmid == 777)
  }

  @Test(arguments: ["", "x.zip", ".tar", "vzdump-qemu-100-2024_05_01-12_34_56.vma.zst.notes"])
  func `what is no archive is refused`(text: String) {
    #expect(throws: RulesError.self) { try BackupName(parsing: text) }
  }
}
