// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageConfig
import StorageRules
import Testing

@Suite struct CommonOptionsTests {
  private func entry(_ lines: String...) -> StorageEntry? {
    let text = "dir: a1\n\tpath /a\n" + lines.map { "\t\($0)\n" }.joined()
    return StorageSchema.test.resolve(StorageConfigFile(text)).first
  }

  @Test(arguments: [
    "content images,iso", "content iso; rootdir", "content none", "nodes pve1 pve-2", "disable", "disable 0",
    "shared yes",
    "format qcow2", "preallocation falloc", "bwlimit default=100,migration=0.5", "prune-backups keep-last=3",
    "prune-backups keep-all=1", "maxfiles 0", "max-protected-backups -1", "content-dirs iso=my/iso,backup=b",
    "subdir /x/y", "mkdir 0", "create-base-path off", "create-subdirs 1", "is_mountpoint yes", "is_mountpoint /mnt",
    "snapshot-as-volume-chain 1", "options vers=4.2,soft", "port 65535",
  ])
  func `a right value is taken`(line: String) {
    #expect(entry(line)?.usable != nil, "\(entry(line)?.problems ?? [])")
    #expect(entry(line)?.problems.isEmpty == true)
  }

  @Test(arguments: [
    "content images,zork", "content none,iso", "content", "nodes pve_1", "nodes -a", "disable maybe", "shared 2",
    "format subvolume", "preallocation some", "bwlimit fast=1", "bwlimit default=-1", "bwlimit default=nan",
    "prune-backups keep-last=x", "prune-backups keep-all=1,keep-last=1", "maxfiles -1", "max-protected-backups -2",
    "content-dirs iso=../x", "content-dirs zork=x", "content-dirs iso", "content-dirs iso=a,iso=b", "subdir x",
    "subdir /a/../b",
    "is_mountpoint perhaps", "options a b", "port 0", "port 65536", "port x", "path /b",
  ])
  func `a wrong value disables this storage with line and reason`(line: String) {
    let entry = entry(line)
    #expect(entry?.usable == nil)
    let error = entry?.problems.first { $0.severity == .error }
    #expect(error?.line == 3)
    #expect(error?.storeid == "a1")
  }

  @Test func `one bad section leaves the others alone`() {
    let file = StorageConfigFile(
      "dir: a1\n\ndir: b1\n\tpath /b\n\nzork: c1\n\ndir: d1\n\tpath /d\n\tcontent zork\n\ndir: e1\n\tpath /e\n")
    let entries = StorageSchema.test.resolve(file)
    #expect(entries.map(\.id) == ["a1", "b1", "c1", "d1", "e1"])
    #expect(entries.map { $0.usable != nil } == [false, true, false, false, true])
    if case .broken(let storage) = entries[0] {
      #expect(storage.reason == "line 1: the required property 'path' is missing")
    }
  }

  @Test func `unknown properties are a warning`() {
    let entry = entry("zork 1", "zork 2")
    #expect(entry?.usable?.config.has("zork") == false)
    #expect(entry?.problems.map(\.severity) == [.warning])
  }

  @Test func `values reach the plugin typed`() throws {
    let storage = try #require(
      entry(
        "content iso images", "nodes b,a", "shared", "retries 7", "hosts a", "hosts b", "content-dirs iso=i", "port 22")?
        .usable)
    #expect(
      storage.config == [
        "type": "dir", "path": "/a", "content": ["images", "iso"], "nodes": ["a", "b"], "shared": true, "retries": 7,
        "hosts": ["a", "b"], "content-dirs": ["iso": "i"], "port": 22,
      ])
    #expect(storage.isAvailable(on: "a") && !storage.isAvailable(on: "c"))
    #expect(storage.directory(of: .iso) == "/a/i" && storage.directory(of: .backup) == "/a/dump")
    #expect(storage.allows(.iso) && storage.allows(.images) && !storage.allows(.backup))
  }

  @Test func `the old maxfiles means a retention`() {
    #expect(entry("maxfiles 3")?.usable?.retention?.description == "keep-last=3")
    #expect(entry("maxfiles 0")?.usable?.retention?.isKeepAll == true)
    #expect(entry("maxfiles 3", "prune-backups keep-daily=1")?.usable?.retention?.description == "keep-daily=1")
    #expect(entry()?.usable?.retention == nil)
  }

  @Test func `bandwidth is in bytes and the smallest counts`() throws {
    let limits = try #require(entry("bwlimit default=10,clone=1.5,move=0")?.usable?.bandwidth)
    #expect(limits.limit(for: .clone) == 1536)
    #expect(limits.limit(for: .restore) == 10240)
    #expect(limits.limit(for: .move) == 0)
    #expect(BandwidthLimits.smallest([limits.limit(for: .clone), limits.limit(for: .move), nil, 9999]) == 1536)
    #expect(BandwidthLimits.smallest([nil, 0]) == nil)
  }

  @Test(
    arguments: [
      ["type": "object", "properties": ["a": ["type": "string", "oneOf": []]]],
      ["type": "object", "properties": ["a": ["type": "thing"]]], ["type": "array"], [],
      ["type": "object", "properties": ["content": ["type": "string"]]],
      ["type": "object", "properties": [:], "required": ["a"]],
      ["type": "object", "properties": ["a": ["type": "integer", "x-sensitive": true]]],
      ["type": "object", "properties": ["a": ["type": "integer", "default": "x"]]],
      ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]],
      ["type": "object", "properties": ["a b": ["type": "string"]]],
    ] as [JSON])
  func `a schema that could not be kept is refused`(schema: JSON) {
    let error = #expect(throws: ConfigError.self) {
      try StorageTypeSchema(type: "x", configSchema: schema, contentTypes: [.images], defaultContent: [.images])
    }
    #expect(error?.code == .invalidSchema)
  }
}
