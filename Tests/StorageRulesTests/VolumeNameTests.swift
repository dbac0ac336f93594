// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageRules
import TestSupport
import Testing

@Suite struct VolumeNameTests {
  @Test func `every vector reads as it should`() throws {
    for vector in try vectors("volume-names.json") {
      let grammar = try #require(VolumeGrammar(rawValue: vector["grammar"]?.stringValue ?? ""))
      let text = try #require(vector["text"]?.stringValue)
      if vector["refused"] == true {
        #expect(throws: RulesError.self, "\(grammar) \(text)") { try VolumeName(parsing: text, grammar: grammar) }
      } else {
        let volume = try VolumeName(parsing: text, grammar: grammar)
        #expect(volume.json == vector)
        #expect(volume.description == text)
      }
    }
  }

  /// What the patterns of Proxmox VE take by accident, and why it is refused here.
  @Test(arguments: [
    (VolumeGrammar.rbd, "-100-disk-0"), (.rbd, "basevm-100-disk-0"), (.rbd, "vm-100-disk-0@snap"),
    (.rbd, "vm-100-a/b"), (.zfspool, "vm-100-disk-0@snap"), (.zfspool, "vm-100-disk-0#mark"),
    (.zfspool, "base-1-a/base-2-b/vm-3-c"), (.zfspool, "vm-100-a/../../etc"), (.zfspool, "vm-100-a/vm-101-b"),
    (.rbd, "base-100-disk-0/x"),
    (.directory, "snippets/.."),
    (.directory, "iso/../x.iso"), (.directory, "100/../101/vm-101-disk-0.raw"), (.directory, "snippets/."),
    (.directory, "100//x.raw"), (.directory, "/100/x.raw"), (.directory, "100/x.raw/"),
    (.directory, "0100/x.raw"), (.directory, "00/x.raw"), (.directory, "09/base-9-y.raw/100/x.raw"),
    (.directory, "9/base-9-y.raw/0100/x.raw"),
    (.directory, "1234567890/x.raw"), (.directory, "snippets/a\nb"), (.directory, "snippets/a\0b"),
    (.directory, "100/vm-100-disk-0.raw\n"), (.directory, "snippets/a\u{7f}"), (.directory, "snippets/a\u{2028}b"),
    (.directory, "snippets/a/\u{301}b"), (.directory, "snippets/../\u{301}b"), (.lvm, "vm-100-a\n"),
    (.directory, "import/../a.ova/x.raw"),
  ])
  func `a hostile or accidental name is refused`(grammar: VolumeGrammar, text: String) {
    let error = #expect(throws: RulesError.self) { try VolumeName(parsing: text, grammar: grammar) }
    #expect(error?.message.contains("\0") == false)
    #expect(error?.message.contains("\n") == false)
  }

  @Test(arguments: VolumeGrammar.allCases)
  func `a long name is refused and not repeated in full`(grammar: VolumeGrammar) {
    for text in [String(repeating: "a", count: 4096), "100/" + String(repeating: "x", count: 300) + ".raw"] {
      let error = #expect(throws: RulesError.self) { try VolumeName(parsing: text, grammar: grammar) }
      #expect((error?.message.utf8.count ?? 0) < 500)
    }
  }

  @Test func `no input crashes, and what is read renders as it was`() {
    let seed = Fuzz.firstSeed
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "vm-", "base-", "subvol-", "basevol-", "100", "7", "-disk-", "-", "/", ".raw", ".qcow2", ".subvol", ".iso",
      "iso/", "vztmpl/", "backup/", "snippets/", "import/", ".tar", ".zst", ".vma", ".ova", "vzdump-qemu-", "snap-",
      " ", "ü", "..", ".", "\0", "\u{301}", "/\u{301}", "😀", "\r\n", "99999999999999999999", ":", "@",
    ]
    for _ in 0..<8_000 {
      let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
        pieces.randomElement(using: &generator) ?? ""
      }.joined()
      for grammar in VolumeGrammar.allCases {
        guard let volume = try? VolumeName(parsing: text, grammar: grammar) else { continue }
        #expect(volume.text == text, "seed \(seed)")
        #expect((try? VolumeName(parsing: volume.description, grammar: grammar)) == volume, "seed \(seed)")
        #expect(!volume.name.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) })
        #expect(text.utf8.count <= NameSafety.maximumBytes)
        if volume.type == .images { #expect(!volume.name.utf8.contains(UInt8(ascii: "/")), "seed \(seed)") }
        // Taken apart and put together again, the name is the same.
        if let vmid = volume.vmid, volume.type == .images, volume.basename == nil {
          let again = try? VolumeName(
            parsing: grammar == .directory ? "\(vmid)/\(volume.name)" : volume.name, grammar: grammar)
          #expect(again?.name == volume.name && again?.vmid == vmid, "seed \(seed)")
        }
      }
    }
  }
}
