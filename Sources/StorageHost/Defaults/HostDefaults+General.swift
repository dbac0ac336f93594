// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

extension HostDefaults {
  /// Storage-wide questions.
  static let general: [String: Default] = [
    "check_connection": constant(["connected": true]),
    "deactivate_storage": nothing,
    "get_identity": unsupported("get_identity", "its plugin does not tell storages apart"),
    "parse_volname": { (storage, arguments, _) async throws(StorageError) in
      try ParsedName(name(try arguments.text("volname"), storage)).json
    },
    "get_subdir": { (storage, arguments, _) async throws(StorageError) in
      ["path": .string(try subdirectory(try arguments.text("vtype"), storage))]
    },
    "filesystem_path": { (storage, arguments, run) async throws(StorageError) in
      try await filesystemPath(storage, arguments, run)
    },
    "path": { (storage, arguments, run) async throws(StorageError) in
      try await storage.call("filesystem_path", arguments, run)
    },
    "find_free_diskname": { (storage, arguments, run) async throws(StorageError) in
      try await findFreeName(storage, arguments, run)
    },
  ]

  /// The name read by the grammar of the manifest.
  static func name(_ volname: String, _ storage: Storage) throws(StorageError) -> VolumeName {
    try name(volname, storage.facts, storage.id)
  }

  static func name(_ volname: String, _ facts: TypeFacts, _ storeid: String) throws(StorageError) -> VolumeName {
    guard let grammar = facts.grammar else {
      throw .refused(
        .manifestInvalid, "plugin \(facts.plugin) names no volume-name grammar and does not parse names itself",
        hint: "the vendor must add one of the two to the manifest")
    }
    do { return try VolumeName(parsing: volname, grammar: grammar, patterns: facts.namePatterns) } catch {
      throw .refused(
        .nameInvalid, "\(Quoted(volname)) is no volume name of storage '\(storeid)': \(error.message)",
        hint: error.hint, field: "volname")
    }
  }

  /// The directory of a volume type: `content-dirs` first, else where Proxmox VE has it.
  static func subdirectory(_ vtype: String, _ storage: Storage) throws(StorageError) -> String {
    guard let base = storage.property("path") else {
      throw .refused(
        .notSupported, "storage '\(storage.id)' has no path", hint: "ask for the volume's path instead")
    }
    guard let type = VolumeType(rawValue: vtype) else {
      throw .refused(
        .invalidParams, "\(Quoted(vtype)) is no volume type",
        hint: "one of: \(VolumeType.allCases.map(\.rawValue).joined(separator: ", "))", field: "vtype")
    }
    let directory = relativeSubdirectory(type, storage)
    return base.hasSuffix("/") ? base + directory : base + "/" + directory
  }

  /// The same, below the storage's path.
  static func relativeSubdirectory(_ type: VolumeType, _ storage: Storage) -> String {
    var directory = type.defaultSubdirectory
    let configured: [(String, String)]
    switch storage.scfg["content-dirs"] {
    case .object(let object):
      configured = object.compactMap { member in member.value.stringValue.map { (member.key, $0) } }
    case .string(let text):
      configured = ListText.split(text).compactMap { pair in
        let halves = pair.split(separator: "=", maxSplits: 1)
        return halves.count == 2 ? (String(halves[0]), String(halves[1])) : nil
      }
    default: configured = []
    }
    if let own = configured.last(where: { $0.0 == type.rawValue })?.1 { directory = own }
    while directory.hasPrefix("/") { directory.removeFirst() }
    return directory
  }

  private static func filesystemPath(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    let volname = try arguments.text("volname")
    let parsed = try await storage.parse(volname, run)
    // A disk's name says where it lies only in the layout of directories: a guessed path would be another file, or none.
    if parsed.vtype == "images", let grammar = storage.facts.grammar, grammar != .directory {
      throw .refused(
        .notSupported, "the path of '\(storage.volid(volname))' is not known",
        hint: "its plugin names disks as \(grammar.rawValue) does and must implement path or filesystem_path to say it")
    }
    if arguments["snapname"]?.stringValue != nil, parsed.format != "qcow2" {
      throw .refused(
        .notSupported, "a snapshot of '\(storage.volid(volname))' (\(parsed.format ?? "unknown format")) has no path",
        hint: "only snapshots inside qcow2 images share the image's path")
    }
    let directory = try subdirectory(parsed.vtype, storage)
    let inner = parsed.vtype == "images" ? parsed.vmid.map { "\($0)/" } ?? "" : ""
    var result: JSONObject = [
      "path": .string("\(directory)/\(inner)\(parsed.name)"), "vtype": .string(parsed.vtype),
    ]
    result.setOptional("vmid", parsed.vmid)
    return result
  }

  private static func findFreeName(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    guard let grammar = storage.facts.grammar else {
      throw .refused(
        .notSupported, "storage '\(storage.id)' cannot choose a name: its names follow no known grammar",
        hint: "give the volume a name yourself")
    }
    guard let vmid = arguments["vmid"]?.intValue.map(Int.init) else {
      throw .refused(.invalidParams, "'vmid' is missing", hint: "say whose disk it is", field: "vmid")
    }
    let format = VolumeFormat(arguments["format"]?.stringValue ?? storage.facts.defaultFormat)
    var existing = try await storage.imageNames(vmid: vmid, run)
    existing += (arguments["exclude"]?.arrayValue ?? []).compactMap(\.stringValue)
    do {
      let names = DiskNames(grammar, sharesNumbers: storage.facts.formats.contains("subvol"))
      let name = try names.nextFree(vmid: vmid, format: format, existing: existing)
      return ["volname": .string(try names.image(vmid: vmid, name: name, format: nil).text)]
    } catch {
      throw .refused(.nameInvalid, "storage '\(storage.id)': \(error.message)", hint: error.hint)
    }
  }
}
