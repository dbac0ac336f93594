// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageConfig
import StorageProtocol
import StorageRules
import TestSupport
import Testing

/// What goes wrong with configuration files elsewhere, and must not go wrong here.
@Suite(.timeLimit(.minutes(2))) struct KnownWeaknessTests {
  @Test func `a section without a required option is one storage's trouble and can be removed`() async throws {
    try await withTemporaryDirectory { directory in
      writeFile("\(directory)/storage.cfg", Array("array: broken\n\nzork: gone\n\tx y\n\ndir: good\n\tpath /g\n".utf8))
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      #expect(store.snapshot.entries.map { $0.usable != nil } == [false, false, true])
      try await store.update(id: "good", values: ["retries": 1])
      try await store.remove(id: "broken")
      try await store.remove(id: "gone")
      #expect(store.snapshot.file.text == "dir: good\n\tpath /g\n\tretries 1\n")
    }
  }

  @Test func `a section without an empty line before it survives the removal of the one above`() async throws {
    try await withTemporaryDirectory { directory in
      let text = "dir: a1\n\tpath /a\ndir: b1\n\tpath /b\n\tretries 2\n\ndir: c1\n\tpath /c\n"
      writeFile("\(directory)/storage.cfg", Array(text.utf8))
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      #expect(store.snapshot.entries.map(\.id) == ["a1", "c1"])
      let report = ConfigReport(store.snapshot.file, schema: .test, isComplete: true)
      let problem = try #require(report.problems.first { $0.line == 3 })
      #expect(problem.storeid == "a1" && problem.severity == .error && problem.message.contains("'dir: b1'"))
      // Whose the properties after the head are nobody can tell: they are not changed.
      let error = await #expect(throws: ConfigError.self) { try await store.update(id: "a1", values: ["retries": 9]) }
      #expect(error?.code == .broken && error?.hint?.contains("line 3") == true, "\(String(describing: error))")
      try await store.remove(id: "a1")
      #expect(store.snapshot.file.text == "dir: b1\n\tpath /b\n\tretries 2\n\ndir: c1\n\tpath /c\n")
      #expect(try store.snapshot.storage("b1").path == "/b")
    }
  }

  @Test func `the same head twice without an empty line goes as one`() throws {
    let file = StorageConfigFile("dir: a1\n\tpath /a\ndir: a1\n\tpath /b\ndir: b1\n\tpath /c\n")
    #expect(try file.removing(id: "a1").text == "dir: b1\n\tpath /c\n")
  }

  @Test func `a change of one storage loses nothing of the others`() async throws {
    try await withTemporaryDirectory { directory in
      let text = "# mine\nzork: other\n\tfoo bar\n\n# why\ndir: a1\n\tpath /a\n\tmystery 7\n\tcontent images,iso\n"
      writeFile("\(directory)/storage.cfg", Array(text.utf8))
      let store = try await ConfigStore.open(directory: directory, schema: .test)
      try await store.update(id: "a1", values: ["nodes": "n1"])
      #expect(store.snapshot.file.text == text + "\tnodes n1\n")
    }
  }

  @Test func `an invalid element of content is an error, not the default`() {
    let file = StorageConfigFile("dir: a1\n\tpath /a\n\tcontent iso,zork\n")
    let entry = StorageSchema.test.resolve(file).first
    #expect(entry?.usable == nil)
    #expect(entry?.problems.first?.line == 3)
  }

  @Test func `a rewrite is the same every time`() throws {
    let values: JSONObject = ["path": "/a", "content": ["snippets", "iso", "backup"], "nodes": ["c", "a", "b"]]
    let texts = try (0..<20).map { _ in
      try ConfigEditor(schema: .test, file: StorageConfigFile("")).add(id: "a1", type: "dir", values: values).next
    }
    #expect(Set(texts).count == 1)
    #expect(texts[0]?.config["nodes"] == ["a", "b", "c"])
  }

  @Test func `rules of arrays and numbers hold, or the schema is refused`() throws {
    func type(_ rule: JSON) throws -> StorageTypeSchema {
      let properties: JSON = ["p": rule]
      return try StorageTypeSchema(
        type: "t", configSchema: ["type": "object", "properties": properties], contentTypes: [.images],
        defaultContent: [.images])
    }
    let schema = StorageSchema([
      try type(["type": "array", "items": ["type": "string"], "minItems": 2, "maxItems": 3, "uniqueItems": true])
    ])
    for (lines, isRight) in [
      (["a", "b"], true), (["a"], false), (["a", "a"], false), (["a", "b", "c"], true), (["a", "b", "c", "d"], false),
      ([], true),
    ] {
      let text = "t: s1\n" + lines.map { "\tp \($0)\n" }.joined()
      #expect((schema.resolve(StorageConfigFile(text)).first?.usable != nil) == isRight, "\(lines)")
      let values: JSONObject = lines.isEmpty ? [:] : ["p": .array(lines.map { .string($0) })]
      let editor = ConfigEditor(schema: schema, file: StorageConfigFile(""))
      let added = try? editor.add(id: "s1", type: "t", values: values)
      #expect((added != nil) == isRight, "\(lines)")
    }
    for rule: JSON in [
      ["type": "number", "minimum": "1"], ["type": "number", "maximum": true], ["type": "integer", "minimum": 1.5],
      ["type": "array", "items": ["type": "string"], "minItems": "2"],
      ["type": "array", "items": ["type": "string"], "uniqueItems": 1],
    ] {
      let error = #expect(throws: ConfigError.self) { try type(rule) }
      #expect(error?.code == .invalidSchema, "\(rule)")
    }
  }

  @Test func `two plugins may use one property name, but not serve one type`() throws {
    func manifest(_ id: String, _ type: String, _ rule: JSON) throws -> PluginManifest {
      let properties: JSON = ["debug": rule]
      return try PluginManifest(json: [
        "id": .string(id), "name": "Test", "vendor": "Test", "version": "1.0.0", "executable": "run",
        "sha256": .string(String(repeating: "0", count: 64)), "protocol": ["min": "1.0", "max": "1.0"],
        "storageTypes": [
          [
            "type": .string(type), "content": ["supported": ["images"], "default": ["images"]],
            "formats": ["supported": ["raw"], "default": "raw"], "volumeNames": "rbd",
            "configSchema": ["type": "object", "properties": properties],
          ]
        ],
        "methods": ["activate_storage", "status", "list_images", "alloc_image", "free_image", "volume_size_info"],
      ])
    }
    let one = try manifest("org.example.one", "one", ["type": "boolean"])
    let two = try manifest("org.example.two", "two", ["type": "integer", "minimum": 5])
    let (schema, problems) = StorageSchema.reading([one, two])
    #expect(problems.isEmpty)
    let entries = schema.resolve(StorageConfigFile("one: a1\n\tdebug 1\n\ntwo: b1\n\tdebug 7\n\ntwo: c1\n\tdebug 1\n"))
    #expect(entries.map { $0.usable?.config["debug"] } == [true, 7, nil])
    let thief = try manifest("org.example.thief", "one", ["type": "boolean"])
    let (rest, faults) = StorageSchema.reading([one, two, thief])
    #expect(rest.types.keys.sorted() == ["two"])
    #expect(faults.count == 1 && faults[0].message.contains("org.example.thief"))
  }
}
