// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageRules
import Testing

@testable import StorageConfig

@Suite struct ConfigEditorTests {
  private func editor(_ text: String) -> ConfigEditor {
    ConfigEditor(schema: .test, file: StorageConfigFile(text))
  }

  private func code(_ body: () throws -> ConfigDraft) -> ConfigError.Code? {
    do {
      _ = try body()
      return nil
    } catch {
      return (error as? ConfigError)?.code
    }
  }

  @Test func `adding follows the rules`() {
    let editor = editor("dir: a1\n\tpath /a\n")
    #expect(code { try editor.add(id: "b1", type: "dir", values: ["path": "/b"]) } == nil)
    #expect(code { try editor.add(id: "a1", type: "dir", values: ["path": "/b"]) } == .exists)
    #expect(code { try editor.add(id: "b1", type: "dir", values: [:]) } == .required)
    #expect(code { try editor.add(id: "b1", type: "zork", values: [:]) } == .unknownType)
    #expect(code { try editor.add(id: "1b", type: "dir", values: ["path": "/b"]) } == .invalidID)
    #expect(code { try editor.add(id: "b1", type: "dir", values: ["path": "b"]) } == .invalidValue)
    #expect(code { try editor.add(id: "b1", type: "dir", values: ["path": "/b", "zork": 1]) } == .unknownProperty)
    #expect(code { try editor.add(id: "b1", type: "dir", values: ["path": "/b"], digest: "00") } == .digestConflict)
    #expect(code { try editor.add(id: "b1", type: "array", values: ["server": "nas"]) } == .required)
    #expect(
      code { try editor.add(id: "b1", type: "array", values: ["server": "nas", "password": "p", "content": "iso"]) }
        == .invalidValue)
  }

  @Test func `changing follows the rules`() {
    let editor = editor("dir: a1\n\tpath /a\n\tretries 5\n\told thing\n")
    let digest = editor.file.digest
    #expect(code { try editor.update(id: "a1", values: ["retries": 4], digest: digest) } == nil)
    #expect(code { try editor.update(id: "zz", values: [:]) } == .notFound)
    #expect(code { try editor.update(id: "a1", values: ["path": "/b"]) } == .fixed)
    #expect(code { try editor.update(id: "a1", values: ["path": "/a"]) } == nil)
    #expect(code { try editor.update(id: "a1", values: [:], deleting: ["path"]) } == .required)
    #expect(code { try editor.update(id: "a1", values: ["retries": 1], deleting: ["retries"]) } == .setAndDelete)
    #expect(code { try editor.update(id: "a1", values: [:], deleting: ["zork"]) } == .unknownProperty)
    #expect(code { try editor.update(id: "a1", values: [:], deleting: ["old"]) } == nil)
    #expect(code { try editor.update(id: "a1", values: [:], deleting: ["shared"]) } == nil)
    #expect(code { try editor.update(id: "a1", values: [:], deleting: ["snapshot-as-volume-chain"]) } == .fixed)
    #expect(code { try editor.update(id: "a1", values: ["retries": 11]) } == .invalidValue)
    #expect(code { try editor.update(id: "a1", values: ["mode": "slow"]) } == .invalidValue)
    #expect(code { try editor.update(id: "a1", values: ["content": "none,iso"]) } == .invalidValue)
    #expect(code { try editor.update(id: "a1", values: ["hosts": ["ok", "NO"]]) } == .invalidValue)
  }

  @Test func `a digest of yesterday is refused with both digests`() throws {
    let editor = editor("dir: a1\n\tpath /a\n")
    let error = #expect(throws: ConfigError.self) {
      try editor.update(id: "a1", values: ["retries": 1], digest: "0123456789abcdef0123456789abcdef01234567")
    }
    #expect(error?.message.contains("0123456789abcdef0123456789abcdef01234567") == true)
    #expect(error?.message.contains(editor.file.digest) == true)
  }

  @Test func `a value that means the same leaves its line alone`() throws {
    let text =
      "dir: a1\n\tpath /a\n\tshared yes\n\tcontent  iso images\n\tnodes b;a\n\tprune-backups keep-daily=7,keep-last=3\n"
    let draft = try editor(text).update(
      id: "a1",
      values: [
        "shared": true, "content": ["images", "iso"], "nodes": "a,b", "prune-backups": "keep-last=3,keep-daily=7",
      ])
    let file = try editor(text).patch(draft, set: ["shared": 1])
    #expect(draft.next?.content == [.images, .iso])
    #expect(file.next?.nodes == ["a", "b"])
    #expect(try editor(text).update(id: "a1", values: ["nodes": ["c"]]).next?.nodes == ["c"])
  }

  @Test func `defaults are applied and never written`() throws {
    let draft = try editor("").add(id: "a1", type: "dir", values: ["path": "/a"])
    #expect(draft.next?.config["retries"] == 3)
    #expect(draft.next?.content == [.images, .rootdir])
    #expect(draft.set == ["path": "/a"])
    // A hook that hands back everything it was given changes nothing.
    let same = try editor("").patch(draft, set: draft.next?.config ?? [:])
    #expect(same.set == draft.set)
    #expect(same.next == draft.next)
  }

  @Test func `a hook may derive fixed properties but obeys the schema`() throws {
    let editor = editor("")
    let draft = try editor.add(id: "a1", type: "dir", values: ["path": "/a"])
    let fixed = try editor.patch(draft, set: ["snapshot-as-volume-chain": 1, "retries": 7]).next
    #expect(fixed?.config["snapshot-as-volume-chain"] == true && fixed?.config["retries"] == 7)
    #expect(code { try editor.patch(draft, set: ["retries": "no"]) } == .invalidValue)
    #expect(code { try editor.patch(draft, set: ["zork": 1]) } == .unknownProperty)
    #expect(code { try editor.patch(draft, set: [:], secrets: ["retries": Secret("x")]) } == .unknownProperty)
  }

  @Test func `a hook may not overwrite what the change itself gives`() throws {
    let editor = editor("")
    let draft = try editor.add(id: "a1", type: "dir", values: ["path": "/a", "retries": 2])
    #expect(code { try editor.patch(draft, set: ["path": "/b"]) } == .hookOverreach)
    #expect(code { try editor.patch(draft, set: ["retries": 3]) } == .hookOverreach)
    #expect(code { try editor.patch(draft, set: [:], deleting: ["path"]) } == .hookOverreach)
    // The same value in another spelling is no change.
    #expect(try editor.patch(draft, set: ["path": "/a", "retries": "2"]).next == draft.next)
    let there = self.editor("dir: a1\n\tpath /a\n\tmode fast\n\tretries 1\n")
    let update = try there.update(id: "a1", values: ["retries": 2], deleting: ["mode"])
    #expect(code { try there.patch(update, set: ["retries": 4]) } == .hookOverreach)
    #expect(code { try there.patch(update, set: ["mode": "safe"]) } == .hookOverreach)
  }

  @Test func `a hook may not touch what a permission is made of`() throws {
    let granted = ["mode": "fs rw /srv/${config.mode}"]
    let editor = editor("dir: a1\n\tpath /a\n\tmode fast\n")
    let update = try editor.update(id: "a1", values: ["nodes": "n1"])
    #expect(try editor.patch(update, set: ["mode": "fast", "retries": 1], granted: granted).next != nil)
    for (set, deleting) in [(["mode": "safe"], []), ([:], ["mode"])] as [(JSONObject, [String])] {
      let error = #expect(throws: ConfigError.self) {
        try editor.patch(update, set: set, deleting: deleting, granted: granted)
      }
      #expect(error?.code == .hookOverreach && error?.property == "mode")
      #expect(error?.message.contains("fs rw /srv/${config.mode}") == true, "\(String(describing: error))")
    }
    // Neither where nobody has set it.
    let fresh = self.editor("")
    let draft = try fresh.add(id: "a1", type: "dir", values: ["path": "/a"])
    #expect(code { try fresh.patch(draft, set: ["mode": "safe"], granted: granted) } == .hookOverreach)
  }

  @Test func `a hook may not change a fixed property of a storage that has it`() throws {
    let editor = editor("dir: a1\n\tpath /a\n")
    let draft = try editor.update(id: "a1", values: ["retries": 1])
    #expect(try editor.patch(draft, set: ["path": "/a"]).next?.path == "/a")
    #expect(code { try editor.patch(draft, set: ["path": "/b"]) } == .fixed)
    #expect(code { try editor.patch(draft, set: [:], deleting: ["path"]) } == .fixed)
  }

  @Test func `a broken storage is repaired step by step`() throws {
    let editor = editor("dir: a1\n\tretries 99\n\tmode wrong\n\tpath /a\n")
    let half = try editor.update(id: "a1", values: ["retries": 1])
    #expect(half.next == nil)
    #expect(code { try editor.update(id: "a1", values: ["nodes": "a b", "content": "none,iso"]) } == .invalidValue)
    let whole = try editor.update(id: "a1", values: ["retries": 1], deleting: ["mode"])
    #expect(whole.next?.config["retries"] == 1)
    #expect(try editor.remove(id: "a1").next == nil)
  }

  @Test func `of an unknown type only common options change`() throws {
    let editor = editor("zork: a1\n\tfoo bar\n\tnodes n1\n")
    let changed = try editor.update(id: "a1", values: ["disable": 1, "content": "iso"], deleting: ["nodes"])
    let text = String(decoding: changed.file.bytes, as: UTF8.self)
    #expect(Set(text.split(separator: "\n")) == ["zork: a1", "\tfoo bar", "\tcontent iso", "\tdisable"], "\(text)")
    #expect(changed.next == nil)
    #expect(code { try editor.update(id: "a1", values: ["bwlimit": "x"]) } == .invalidValue)
    #expect(code { try editor.update(id: "a1", values: ["snapshot-as-volume-chain": 1]) } == .fixed)
    for own in ["foo", "new"] {
      #expect(code { try editor.update(id: "a1", values: [own: "x"]) } == .unknownType)
      #expect(code { try editor.update(id: "a1", values: [:], deleting: [own]) } == .unknownType)
    }
    #expect(code { try editor.remove(id: "a1") } == nil)
  }

  @Test func `a secret that stands in the file moves away when it is set anew`() throws {
    let schema = StorageSchema.test
    let file = StorageConfigFile("array: a1\n\tserver nas\n\tpassword leaked\n")
    let entry = try #require(schema.resolve(file).first)
    #expect(entry.usable?.config.has("password") == false)
    #expect(entry.problems.map(\.property) == ["password"])
    #expect(!"\(entry)".contains("leaked"))
    let draft = try ConfigEditor(schema: schema, file: file).update(id: "a1", values: ["password": "new"])
    #expect(draft.secrets.set["password"] == Secret("new"))
    #expect(draft.next?.warnings.isEmpty == true)
  }

  @Test func `errors about secrets do not hold them`() {
    let error = #expect(throws: ConfigError.self) {
      try editor("").add(id: "a1", type: "array", values: ["server": "nas", "password": ["hunter2"]])
    }
    #expect(error.map { !"\($0)".contains("hunter2") } == true)
  }
}
