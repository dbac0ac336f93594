// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import Testing

@Suite struct ManifestTests {
  static let required: [JSON] = MethodTable.required.map { .string($0.name) }

  /// A manifest that uses everything.
  static let full: JSON = [
    "id": "org.example.fast-array", "name": "Fast Array", "vendor": "Example", "version": "2.1.0",
    "description": "Volumes of a Fast Array.", "homepage": "https://example.org", "license": "Apache-2.0",
    "icon": "share/icon.svg", "executable": "bin/plugin", "sha256": .string(String(repeating: "0a", count: 32)),
    "protocol": ["min": "1.0", "max": "1.0"], "profiles": ["pve-storage": ["min": 9, "max": 15]],
    "concurrency": "per-volume", "fencing": "backend", "process": "per-plugin",
    "storageTypes": [
      [
        "type": "fastarray", "title": "Fast Array", "roles": ["block"],
        "content": ["supported": ["images", "rootdir"], "default": ["images"]],
        "formats": ["supported": ["raw"], "default": "raw"],
        "features": ["snapshot": ["current": ["raw"], "snap": ["*"]], "clone": ["base": ["raw"]]],
        "volumeNames": "rbd", "volumeLock": "storage", "shared": true,
        "configSchema": [
          "type": "object", "required": ["server"],
          "properties": [
            "server": ["type": "string", "x-fixed": true],
            "port": ["type": "integer", "minimum": 1, "maximum": 65535],
            "password": ["type": "string", "x-sensitive": true, "x-advanced": true],
          ],
        ],
      ]
    ],
    "methods": .array(required + ["volume_snapshot", "parse_volname"]),
    "permissions": [
      "fs": [["path": "${config.path}", "access": "rw", "reason": "holds the volumes"]],
      "net": ["endpoints": [["host": "${config.server}", "port": "${config.port}", "reason": "the array's API"]]],
      "device": [["class": "by-id:wwn-*", "access": "rw", "reason": "its disks"]],
      "broker": [
        [
          "operation": "host.block.*", "limits": ["protocol": "nvme-tcp", "portal": "${config.server}:4420"],
          "reason": "attaches disks",
        ]
      ],
      "runtime": ["procSelf": true, "threads": true, "memoryMax": 268_435_456, "pidsMax": 64],
    ],
    "x-anything": 1,
  ]

  /// The full manifest with a value put in (or, with nil, taken out) somewhere.
  static func changed(_ pointer: String, _ value: JSON?) -> JSON {
    func change(_ json: JSON, _ rest: ArraySlice<String>) -> JSON {
      guard let key = rest.first else { return value ?? .null }
      if case .array(var elements) = json, let place = Int(key) {
        elements[place] = change(elements[place], rest.dropFirst())
        return .array(elements)
      }
      var object = json.objectValue ?? [:]
      object[key] = rest.count == 1 && value == nil ? nil : change(object[key] ?? [:], rest.dropFirst())
      return .object(object)
    }
    return change(full, (JSONPath(pointer: pointer)?.components ?? [])[...])
  }

  @Test func readsPatternsOfNames() throws {
    let manifest = try PluginManifest(
      json: Self.changed(
        "/storageTypes/0/volumeNamePatterns",
        [["pattern": "^pm-(?<vmid>[0-9]+)$", "format": "raw"], ["pattern": "^(?<format>raw):x$", "isBase": true]]))
    let patterns = try #require(manifest.storageType("fastarray")?.volumeNamePatterns)
    #expect(patterns.map(\.format) == ["raw", nil])
    #expect(patterns.map(\.isBase) == [false, true] && patterns.allSatisfy { $0.base == nil && $0.clone == nil })
    let named = try PluginManifest(
      json: Self.changed(
        "/storageTypes/0/volumeNamePatterns",
        [
          ["pattern": "^pm-(?<vmid>[0-9]+)$", "format": "raw", "base": "golden-{vmid}"],
          ["pattern": "^golden-(?<vmid>[0-9]+)$", "format": "raw", "isBase": true, "clone": "{base}/{disk}"],
        ]))
    let templates = try #require(named.storageType("fastarray")?.volumeNamePatterns)
    #expect(templates[0].base?.filled(["vmid": "7"]) == "golden-7" && templates[0].base?.filled([:]) == nil)
    #expect(templates[1].clone?.gaps == ["base", "disk"])
    #expect(patterns[0].pattern.read("pm-12") == .match(["vmid": "12"]))
  }

  @Test(
    arguments: [
      ["pattern": "^a$"], ["pattern": "a", "format": "raw"], ["pattern": "^(a$", "format": "raw"],
      ["pattern": "^(?<size>a)$", "format": "raw"], ["pattern": "^(?<basevmid>1)$", "format": "raw"],
      ["pattern": "^(?<format>a)$", "format": "raw"], ["pattern": "^a$", "format": "qcow2"],
      ["pattern": "^a$", "format": "raw", "type": "rootdir"], ["pattern": "^a$", "format": "raw", "unknown": 1],
      ["pattern": "^a$", "format": "raw", "type": "iso", "isBase": true], ["format": "raw"], 5,
      ["pattern": "^a$", "format": "raw", "base": "b{"], ["pattern": "^a$", "format": "raw", "base": "b{vmid}"],
      ["pattern": "^a$", "format": "raw", "isBase": true, "base": "b"],
      ["pattern": "^a$", "format": "raw", "clone": "{disk}"],
      ["pattern": "^a$", "format": "raw", "isBase": true, "clone": "{base}"],
      ["pattern": "^a$", "format": "raw", "isBase": true, "clone": "{basevmid}/{disk}"],
      ["pattern": "^a$", "format": "raw", "isBase": true, "clone": "{}{disk}"],
    ] as [JSON])
  func aWrongPatternOfNamesIsRefused(pattern: JSON) {
    #expect(throws: ManifestError.self) {
      try PluginManifest(json: Self.changed("/storageTypes/0/volumeNamePatterns", [pattern]))
    }
  }

  @Test func readsEverything() throws {
    let manifest = try PluginManifest(json: Self.full)
    #expect(manifest.id == "org.example.fast-array")
    #expect(manifest.concurrency == .perVolume)
    #expect(manifest.fencing == .backend)
    #expect(manifest.process == .perPlugin)
    let type = try #require(manifest.storageType("fastarray"))
    #expect(type.sensitiveProperties == ["password"])
    #expect(type.fixedProperties == ["server"])
    #expect(type.requiredProperties == ["server"])
    #expect(type.volumeLock == .storage)
    #expect(type.isShared == true)
    #expect(type.hasFeature("snapshot", state: "snap", format: "raw"))
    #expect(!type.hasFeature("snapshot", state: "base", format: "raw"))
    #expect(manifest.permissions.files.first?.path.resolved(["path": "/srv/x"]) == "/srv/x")
    #expect(manifest.permissions.endpoints.first?.port == "${config.port}")
    #expect(manifest.permissions.runtime.memoryMax == 268_435_456)
    #expect(manifest.permissions.allows(service: "host.block.attach"))
    #expect(manifest.permissions.allows(service: "host.log"))
    #expect(!manifest.permissions.allows(service: "host.mount"))
    #expect(!manifest.permissions.allows(service: "host.nobody"))
    #expect(try PluginManifest(json: manifest.json()) == manifest)
  }

  @Test func aSmallOneGetsTheDefaults() throws {
    var small = try Self.full.object()
    for key in [
      "description", "homepage", "license", "icon", "profiles", "concurrency", "fencing", "process", "permissions",
    ] {
      small[key] = nil
    }
    let manifest = try PluginManifest(json: .object(small))
    #expect(manifest.concurrency == .serial)
    #expect(manifest.fencing == .none)
    #expect(manifest.process == .perStorage)
    #expect(manifest.permissions == PermissionRequest())
  }

  static let faults: [(String, JSON?)] = [
    ("/id", nil), ("/id", "Plugin"), ("/id", "org.Example"), ("/name", ""), ("/version", "1 0"), ("/sha256", ""),
    ("/sha256", "xyz"), ("/executable", "/bin/sh"), ("/executable", "../x"), ("/executable", "a//b"),
    ("/protocol", nil), ("/protocol", ["min": "1.1", "max": "1.0"]), ("/protocol/max", "one"),
    ("/profiles/pve-storage", ["min": 15, "max": 9]), ("/concurrency", "some"), ("/fencing", 7), ("/process", "x"),
    ("/typo", true), ("/storageTypes", nil), ("/storageTypes/0/type", "FastArray"), ("/storageTypes/0/typo", 1),
    ("/storageTypes/0/content/default", ["iso"]), ("/storageTypes/0/formats/default", "qcow2"),
    ("/storageTypes/0/volumeNames", "own"), ("/storageTypes/0/features/clone", ["live": ["raw"]]),
    ("/storageTypes/0/configSchema/properties/port", ["type": "port"]),
    ("/storageTypes/0/configSchema/properties/port/x-fixed", "yes"),
    ("/storageTypes/0/configSchema/properties/password/type", "integer"),
    ("/storageTypes/0/configSchema/required", ["nothing"]), ("/methods", nil), ("/methods/0", "make_coffee"),
    ("/methods/0", "status"), ("/methods/0", "api"), ("/methods/0", "initialize"), ("/methods/0", "host.log"),
    ("/permissions/fs/0/path", "relative"), ("/permissions/fs/0/path", "/"), ("/permissions/fs/0/path", "/a/../etc"),
    ("/permissions/fs/0/path", "${config.nothing}"), ("/permissions/fs/0/access", "rwx"),
    ("/permissions/fs/0/reason", nil), ("/permissions/net/endpoints/0/port", 70_000),
    ("/permissions/net/endpoints/0/port", "http"), ("/permissions/net/host", true),
    ("/permissions/device/0/class", ""), ("/permissions/broker/0/operation", "host.exec.anything"),
    ("/permissions/broker/0/operation", "host.log"), ("/permissions/broker/0/limits", ["vg": "${vg}"]),
    ("/permissions/runtime/pidsMax", 0), ("/permissions/capabilities", ["CAP_SYS_ADMIN"]),
  ]

  @Test(arguments: faults) func everyFaultIsNamedWithItsPlace(_ pointer: String, _ value: JSON?) throws {
    let error = try #require(throws: ManifestError.self) {
      try PluginManifest(json: Self.changed(pointer, value))
    }
    #expect(
      error.problems.contains { $0.pointer.hasPrefix(pointer) || pointer.hasPrefix($0.pointer) && !$0.pointer.isEmpty },
      "\(pointer): \(error)")
  }

  @Test func allFaultsAreReportedAtOnce() throws {
    var broken = try Self.changed("/sha256", "no").object()
    broken["id"] = 7
    broken["methods"] = ["status"]
    let error = try #require(throws: ManifestError.self) { try PluginManifest(json: .object(broken)) }
    #expect(error.problems.count == 7)
    #expect(error.description.contains("/methods: lacks alloc_image, which every plugin must implement"))
    let reported = StorageError(error, plugin: "evil\nname")
    #expect(reported.code == .manifestInvalid)
    #expect(reported.message.contains("'evil\\u{a}name'"))
  }

  @Test func whatALaterProtocolBringsIsNoFault() throws {
    var later = try Self.changed("/protocol/max", "1.7").object()
    later["newIn17"] = true
    later["methods"] = .array(Self.required + ["volume_teleport"])
    let manifest = try PluginManifest(json: .object(later))
    #expect(manifest.implements("volume_teleport"))
  }

  @Test func noJSONIsAFaultToo() {
    #expect(throws: ManifestError.self) { try PluginManifest(parsing: Array("{".utf8)) }
    #expect(throws: ManifestError.self) { try PluginManifest(parsing: Array(#"{"id": "a", "id": "b"}"#.utf8)) }
    #expect(throws: ManifestError.self) { try PluginManifest(json: []) }
  }
}
