// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

extension CallTable {
  /// What a manifest says of a storage type.
  static let definitions: [String: Route] = [
    "api": .definition { (host, type) async throws(StorageError) in
      let bundle = try await bundle(host, type)
      let range = bundle.manifest?["profiles"]?["pve-storage"]
      let top = range?["max"]?.intValue ?? 0
      return ["version": .int(top), "age": .int(top - (range?["min"]?.intValue ?? top))]
    },
    "type": .definition { (host, type) async throws(StorageError) in
      ["types": try await bundle(host, type).types.map(\.type).json()]
    },
    "properties": .definition { (host, type) async throws(StorageError) in
      ["properties": try await facts(host, type).configSchema["properties"] ?? [:]]
    },
    "options": .definition { (host, type) async throws(StorageError) in
      let schema = try await facts(host, type).configSchema
      let required = schema["required"]?.arrayValue ?? []
      var options = JSONObject()
      for member in schema["properties"]?.objectValue ?? [:] {
        options[member.key] = [
          "optional": .bool(!required.contains(.string(member.key))), "fixed": .bool(member.value["x-fixed"] == true),
        ]
      }
      return ["options": .object(options)]
    },
    "plugindata": .definition { (host, type) async throws(StorageError) in
      let facts = try await facts(host, type)
      return [
        "content": facts.content.json(), "defaultContent": facts.defaultContent.json(),
        "formats": facts.formats.json(), "defaultFormat": .string(facts.defaultFormat),
        "features": facts.features.keys.sorted().json(), "sensitiveProperties": facts.sensitive.sorted().json(),
        "selectExisting": .bool(facts.isSelectExisting),
      ]
    },
    "private": .definition { (host, _) async throws(StorageError) in
      var types = JSONObject()
      for facts in await host.registry.bundles.filter({ $0.problem == nil }).flatMap(\.types) {
        types[facts.type] = facts.configSchema
      }
      return ["types": .object(types)]
    },
  ]

  private static func bundle(_ host: StorageHost, _ type: String) async throws(StorageError) -> BundleFacts {
    guard let bundle = await host.registry.bundle(serving: type) else {
      throw .refused(
        .invalidParams, "no installed plugin serves storage type \(Quoted(type))", hint: "see 'berth plugin list'",
        field: "type")
    }
    return bundle
  }

  private static func facts(_ host: StorageHost, _ type: String) async throws(StorageError) -> TypeFacts {
    let bundle = try await bundle(host, type)
    // The bundle was found by this type.
    return bundle.types.first { $0.type == type } ?? bundle.types[0]
  }
}
