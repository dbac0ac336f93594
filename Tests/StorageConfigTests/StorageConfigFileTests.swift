// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageConfig
import TestSupport
import Testing

@Suite struct StorageConfigFileTests {
  @Test func `every vector reads as it should and writes back as it was`() throws {
    for vector in try vectors("storage-cfg.json") {
      let name = Comment(rawValue: vector["name"]?.stringValue ?? "")
      let text = vector["text"]?.stringValue ?? ""
      let file = StorageConfigFile(text)
      #expect(file.text == text, name)
      let sections = file.sections.map { section -> JSON in
        let properties = section.properties.map { JSON.array([.string($0.key), $0.value.map(JSON.string) ?? .null]) }
        return [.string(section.type), .string(section.id), .array(properties)]
      }
      #expect(JSON.array(sections) == vector["sections"], name)
      let problems = file.problems + file.sections.flatMap(\.problems)
      func lines(_ severity: ConfigProblem.Severity) -> JSON {
        .array(problems.filter { $0.severity == severity }.compactMap(\.line).sorted().map { .int(Int64($0)) })
      }
      #expect(lines(.error) == vector["errors"] ?? [], name)
      #expect(lines(.warning) == vector["warnings"] ?? [], name)
    }
  }

  @Test func `the digest is the SHA-1 of the text`() {
    #expect(StorageConfigFile("").digest == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    #expect(StorageConfigFile("abc").digest == "a9993e364706816aba3e25717850c26c9cd0d89d")
  }

  @Test func `bytes that are no text survive and disable only their section`() throws {
    let bytes =
      Array("# caf".utf8) + [0xe9, 0x0a] + Array("dir: a1\n\tpath /".utf8) + [0xff, 0x0a, 0x0a]
      + Array("dir: b1\n\tpath /b\n".utf8)
    let file = StorageConfigFile(parsing: bytes)
    #expect(file.bytes == bytes)
    let changed = try file.setting("shared", to: ["1"], in: "b1")
    #expect(changed.bytes == bytes + Array("\tshared 1\n".utf8))
    #expect(StorageSchema.test.resolve(file).map { $0.usable != nil } == [false, true])
  }

  @Test func `a change touches only its line`() throws {
    let text = """
      # my storages
      dir: a1
        path /a   # not a comment
      # why
        zork   keep me
        shared yes

      nope: x1
      \tfoo bar


      dir: b1
      \tpath /b
      """
    let file = StorageConfigFile(text)
    #expect(try file.setting("shared", to: ["0"], in: "a1").text == text.replacing("  shared yes", with: "  shared 0"))
    #expect(try file.setting("shared", to: [], in: "a1").text == text.replacing("  shared yes\n", with: ""))
    #expect(
      try file.setting("port", to: ["1"], in: "a1").text
        == text.replacing("  shared yes\n", with: "  shared yes\n  port 1\n"))
    #expect(
      try file.setting("disable", to: [nil], in: "a1").text == text.replacing("dir: a1\n", with: "dir: a1\n  disable\n")
    )
    #expect(try file.setting("port", to: ["1"], in: "b1").text == text + "\n\tport 1\n")
    #expect(try file.setting("shared", to: ["yes"], in: "a1").text == text)
    #expect(try file.removing(id: "x1").text == text.replacing("nope: x1\n\tfoo bar\n\n", with: ""))
    #expect(
      try file.adding(type: "dir", id: "c1", properties: [("disable", nil), ("path", "/c")]).text
        == text + "\n\ndir: c1\n\tdisable\n\tpath /c\n")
  }

  @Test func `carriage returns stay`() throws {
    let file = StorageConfigFile("dir: a1\r\n\tpath /a\r\n")
    #expect(try file.setting("shared", to: ["1"], in: "a1").text == "dir: a1\r\n\tpath /a\r\n\tshared 1\r\n")
    #expect(try file.adding(type: "dir", id: "b1", properties: []).text == "dir: a1\r\n\tpath /a\r\n\r\ndir: b1\r\n")
  }

  @Test func `several values of a key take its lines`() throws {
    let file = StorageConfigFile("dir: a1\n\thosts a\n\tpath /a\n\thosts b\n")
    #expect(
      try file.setting("hosts", to: ["c", "d", "e"], in: "a1").text
        == "dir: a1\n\thosts c\n\thosts d\n\thosts e\n\tpath /a\n")
    #expect(try file.setting("hosts", to: [], in: "a1").text == "dir: a1\n\tpath /a\n")
  }

  @Test(arguments: ["", " x", "x ", "a\nb", "a\0b", "a\u{7f}", "\t", "a\r"])
  func `a value the file could not keep is refused`(value: String) {
    let file = StorageConfigFile("dir: a1\n")
    #expect(throws: ConfigError.self) { try file.setting("path", to: [value], in: "a1") }
    #expect(throws: ConfigError.self) { try file.adding(type: "dir", id: "b1", properties: [("path", value)]) }
  }

  @Test(arguments: ["", "a b", "#a", "a\tb", "a\n", "\0"])
  func `a key that is none is refused`(key: String) {
    #expect(throws: ConfigError.self) { try StorageConfigFile("dir: a1\n").setting(key, to: ["1"], in: "a1") }
  }

  @Test func `a storage that is there twice can be removed but not changed`() throws {
    let file = StorageConfigFile("dir: a1\n\tpath /a\n\ndir: b1\n\ndir: a1\n")
    let error = #expect(throws: ConfigError.self) { try file.setting("path", to: ["/b"], in: "a1") }
    #expect(error?.code == .duplicate)
    #expect(error?.message.contains("1, 6") == true)
    #expect(try file.removing(id: "a1").text == "dir: b1\n\n")
  }

  @Test func `no bytes crash the reader, all survive it, and edits touch one section only`() throws {
    let pieces: [String] = [
      "dir: a1", "dir:b1", "x: c1", "\tpath /a", "  shared", "\n", "\n\n", "#", " ", "\r\n", ":", "0\n", "\0", "ü",
      "\t",
      "dir: a1\n\tpath /x\n\n", "\u{301}",
    ]
    try Fuzz.run(rounds: 1_500) { seed, generator in
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        bytes += Array((pieces.randomElement(using: &generator) ?? "").utf8)
      }
      if generator.oneIn(3) { bytes = HostileBytes.mutated(bytes, using: &generator) }
      let file = StorageConfigFile(parsing: bytes)
      #expect(file.bytes == bytes, "seed \(seed)")
      _ = StorageSchema.test.resolve(file)
      for section in file.sections {
        guard let changed = try? file.setting("options", to: ["v1"], in: section.id) else { continue }
        #expect(try changed.only(section.id)["options"].map(\.value) == ["v1"], "seed \(seed)")
        let back = try changed.setting("options", to: [], in: section.id)
        let others = { (file: StorageConfigFile) in
          file.sections.filter { $0.id != section.id }.map { $0.properties.map(\.value) }
        }
        #expect(others(back) == others(file), "seed \(seed)")
        if file.sections(named: section.id).first?["options"].isEmpty == true, bytes.last == 0x0a {
          #expect(back.bytes == bytes, "seed \(seed): setting and deleting leaves no trace")
        }
        let gone = try file.removing(id: section.id)
        #expect(others(gone) == others(file), "seed \(seed)")
      }
      if let added = try? file.adding(type: "dir", id: "new-one", properties: [("path", "/n")]) {
        #expect(added.bytes.starts(with: bytes), "seed \(seed)")
        #expect(try added.removing(id: "new-one").sections == file.sections, "seed \(seed)")
      }
    }
  }
}

extension String {
  /// The text with each occurrence of a part replaced.
  fileprivate func replacing(_ part: String, with other: String) -> String {
    var result: [UInt8] = []
    var rest = Array(utf8)[...]
    while !rest.isEmpty {
      if rest.starts(with: part.utf8) {
        result += Array(other.utf8)
        rest = rest.dropFirst(part.utf8.count)
      } else {
        result.append(rest.removeFirst())
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
