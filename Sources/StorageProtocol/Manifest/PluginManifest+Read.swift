// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

extension PluginManifest {
  private static let members: Set<String> = [
    "$schema", "id", "name", "vendor", "version", "description", "homepage", "license", "icon", "executable", "sha256",
    "protocol", "profiles", "concurrency", "fencing", "process", "storageTypes", "methods", "permissions",
  ]

  /// Reads a manifest.
  ///
  /// - Throws: every fault with its place.
  public init(json: JSON) throws(ManifestError) {
    var reader = ManifestReader()
    let root = JSONPath.root
    let versions: ProtocolVersionRange? = json["protocol"].flatMap { value in
      reader.attempt { () throws(JSONError) in try ProtocolVersionRange(json: value, path: root.appending("protocol")) }
    }
    // A plugin that also speaks something newer may say things in it that this host has no name for.
    reader.refusesUnknown = (versions?.max ?? MethodTable.version) <= MethodTable.version
    guard let object = reader.object(json, root, known: Self.members) else {
      throw ManifestError(problems: reader.problems)
    }
    if object["protocol"] == nil { reader.note(root.appending("protocol"), "is missing") }
    let id = reader.text(object, "id", root, pattern: Self.idPattern)
    let name = reader.text(object, "name", root, max: 128)
    let vendor = reader.text(object, "vendor", root, max: 128)
    let version = reader.text(object, "version", root, max: 64, pattern: Self.versionPattern)
    let executable = reader.bundlePath(object, "executable", root)
    let icon = object.has("icon") ? reader.bundlePath(object, "icon", root) : nil
    let sha256 = reader.text(object, "sha256", root, max: 64, pattern: Self.sha256Pattern)
    let description = reader.optionalText(object, "description", root)
    let homepage = reader.optionalText(object, "homepage", root, max: 512)
    let license = reader.optionalText(object, "license", root, max: 128)
    let profiles: [String: ProfileRange] = reader.optional(object, "profiles", root, default: [:])
    for (name, range) in profiles where range.min > range.max {
      reader.note(root.appending("profiles").appending(name), "min is above max")
    }
    let concurrency: Concurrency = reader.optional(object, "concurrency", root, default: .serial)
    let fencing: Fencing = reader.optional(object, "fencing", root, default: .none)
    let process: ProcessModel = reader.optional(object, "process", root, default: .perStorage)
    let methods = reader.methods(object, root)
    let types = reader.each(object, "storageTypes", root) { (reader, value, path) in
      reader.storageType(value, path, parsesNames: methods.contains("parse_volname"))
    }
    if object["storageTypes"] == nil { reader.note(root.appending("storageTypes"), "is missing") }
    var seen: Set<String> = []
    for type in types where !seen.insert(type.type).inserted {
      reader.note(root.appending("storageTypes"), "describes type \(type.type) twice")
    }
    let properties = types.reduce(into: Set<String>()) { $0.formUnion($1.configProperties.map(\.key)) }
    let permissions = reader.permissions(object["permissions"] ?? [:], root.appending("permissions"), properties)

    guard reader.problems.isEmpty, let id, let name, let vendor, let version, let executable, let sha256, let versions
    else { throw ManifestError(problems: reader.problems) }
    self.init(
      id: id, name: name, vendor: vendor, version: version, description: description, homepage: homepage,
      license: license, icon: icon, executable: executable, sha256: sha256, protocolVersions: versions,
      profiles: profiles, concurrency: concurrency, fencing: fencing, process: process, storageTypes: types,
      methods: methods, permissions: permissions, raw: object)
  }

  /// Reads the text of a `manifest.json` of at most 1 MiB.
  public init(parsing bytes: [UInt8]) throws(ManifestError) {
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(bytes, limits: JSONLimits(maxBytes: 1 << 20, maxDepth: 32))
    } catch {
      throw ManifestError(problems: [.init(pointer: error.path.pointer, message: "no acceptable JSON: \(error)")])
    }
    try self.init(json: json)
  }

  private static let idPattern = Pattern(constant: "^[a-z][a-z0-9-]*(\\.[a-z0-9][a-z0-9-]*)+$")
  private static let versionPattern = Pattern(constant: "^[0-9A-Za-z][0-9A-Za-z.+~-]*$")
  private static let sha256Pattern = Pattern(constant: "^[0-9a-f]{64}$")
}
