// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import TestSupport
import Testing

@Suite struct IdentifierTests {
  @Test(arguments: ["local", "a1", "A-b_c.d9", "nfs-1"]) func storageIDs(_ text: String) throws {
    #expect(try StorageID(text).text == text)
  }

  @Test(arguments: [
    "", "a", "1a", "a-", "-a", "a b", "a/b", "a:b", "ä1", "a\0b", "ab\n", String(repeating: "a", count: 101),
  ])
  func noStorageIDs(_ text: String) throws {
    let error = try #require(throws: StorageError.self) { try StorageID(text) }
    #expect(error.code == .nameInvalid)
    #expect(!error.message.unicodeScalars.contains { $0.value < 32 })
  }

  @Test func volumeIDsSplitAtTheFirstColon() throws {
    let id = try VolumeID("local:import/a:b c.ova/disk.vmdk")
    #expect(id.storage.text == "local")
    #expect(id.volname == "import/a:b c.ova/disk.vmdk")
    #expect(try VolumeID(json: id.json()) == id)
  }

  @Test(arguments: [
    "", ":", "local", "local:", ":vm", "l:vm", "local:a\u{0}b", "local:" + String(repeating: "x", count: 4096),
  ])
  func noVolumeIDs(_ text: String) throws {
    #expect(throws: StorageError.self) { try VolumeID(text) }
    #expect(throws: JSONError.self) { try VolumeID(json: .string(text)) }
  }

  /// Whatever comes in: no crash, and what is accepted reads back as itself.
  @Test func anyTextIsReadOrRefused() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array("abzAZ09-_.:/ \n\u{0}é漢💾'\\".unicodeScalars)
    for _ in 0..<5000 {
      var text = ""
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
      }
      guard let id = try? VolumeID(text) else { continue }
      #expect(id.description == text, "seed \(seed)")
      #expect(try VolumeID(storage: id.storage, volname: id.volname) == id, "seed \(seed)")
      #expect(!id.volname.unicodeScalars.contains { $0.value < 32 }, "seed \(seed)")
    }
  }

  @Test func templatesTakeTheirValuesFromTheConfiguration() throws {
    let template = try #require(PathTemplate("${config.path}/images/$x/${config.vmid}"))
    #expect(template.properties == ["path", "vmid"])
    #expect(template.resolved(["path": "/srv", "vmid": 7]) == "/srv/images/$x/7")
    #expect(template.resolved(["path": "/srv"]) == nil)
    #expect(template.description == "${config.path}/images/$x/${config.vmid}")
    for odd in ["${path}", "${config.}", "${config.a", "${config.a/b}", "a${"] { #expect(PathTemplate(odd) == nil) }
  }
}
