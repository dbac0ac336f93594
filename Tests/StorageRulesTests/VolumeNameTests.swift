// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import Testing

@Suite struct VolumeNameTests {
  @Test func `a linked clone names its base`() throws {
    let volume = try VolumeName(parsing: "100/base-100-disk-0.raw/101/vm-101-disk-1.qcow2", grammar: .directory)
    #expect(volume.vmid == 101)
    #expect(volume.basevmid == 100)
    #expect(volume.basename == "base-100-disk-0.raw")
    #expect(volume.format == .qcow2)
    #expect(!volume.isBase)
  }

  @Test func `a slash with a combining mark is still a slash`() {
    #expect(throws: RulesError.self) { try VolumeName(parsing: "snippets/a/\u{301}b", grammar: .directory) }
    #expect(throws: RulesError.self) { try VolumeName(parsing: "snippets/../\u{301}b", grammar: .directory) }
  }
}
