// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import Testing

@Suite struct VolumeReferenceTests {
  @Test func `the first colon separates`() throws {
    let reference = try VolumeReference(parsing: "local:iso/a:b c.iso")
    #expect(reference.storeid == "local")
    #expect(reference.volname == "iso/a:b c.iso")
    #expect(reference.description == "local:iso/a:b c.iso")
  }

  @Test(arguments: ["", "local", ":x", "local:", "1a:x", "a:x", "a-:x", "l ocal:x", "local:../x", "local:a\0"])
  func `what is no volume id is refused`(text: String) {
    #expect(throws: RulesError.self) { try VolumeReference(parsing: text) }
  }

  @Test(arguments: [
    ("local", true), ("a1", true), ("A-b_c.d1", true), ("a", false), ("1a", false), ("a.", false), ("_a", false),
    ("a/b", false), ("ä1", false), ("a\u{301}1", false), ("", false), ("a b", false),
  ])
  func `storage ids are checked`(text: String, isValid: Bool) {
    #expect(StorageName.isValid(text) == isValid)
  }
}
