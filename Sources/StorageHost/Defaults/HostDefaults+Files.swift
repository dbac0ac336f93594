// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

extension HostDefaults {
  /// Files of a storage with a path: what is no image, in the order of a listing.
  static let fileTypes: [VolumeType] = [.iso, .vztmpl, .backup, .snippets, .import]
  /// What a cursor into the files begins with; others are the plugin's.
  private static let mark = "berth-files:"
  private static let patience: Duration = .seconds(30)

  /// `list_images`, then the files that Proxmox VE keeps beside them, when the storage has a path.
  static func listVolumes(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    let wanted = arguments["content"]?.arrayValue?.compactMap(\.stringValue)
    let limit = Int(arguments["limit"]?.intValue ?? 1_000)
    let cursor = arguments["cursor"]?.stringValue
    var volumes: [JSON] = []
    if cursor?.hasPrefix(mark) != true, wanted.map({ $0.contains("images") || $0.contains("rootdir") }) ?? true {
      var question = arguments
      question["content"] = nil
      var page = try await storage.call("list_images", question, run)
      volumes = (page["volumes"]?.arrayValue ?? []).map(asImage)
      if let next = page["nextCursor"], !next.isNull {
        page["volumes"] = .array(volumes)
        return page
      }
    }
    let places = fileDirectories(storage, wanted, vmid: arguments["vmid"]?.intValue)
    guard !places.isEmpty else { return ["volumes": .array(volumes)] }
    let position = try start(cursor, storage)
    let room = limit - volumes.count
    let vmid = arguments["vmid"]?.intValue.map(Int.init)
    let part = try await FileWork.run(storage, timeout: run.timeout ?? patience) { () throws(StorageError) in
      try files(places, after: position, vmid: vmid, limit: room)
    }
    var result: JSONObject = ["volumes": .array(volumes + part.entries)]
    if let last = part.next { result["nextCursor"] = .string(mark + last) }
    return result
  }

  private static func asImage(_ entry: JSON) -> JSON {
    guard case .object(var object) = entry, object["content"] == nil else { return entry }
    object["content"] = "images"
    return .object(object)
  }

  private struct Place: Sendable {
    var type: VolumeType
    var base: String
    var below: String
  }

  /// The directories that are asked for, allowed by the storage's content and known to its grammar.
  private static func fileDirectories(_ storage: Storage, _ wanted: [String]?, vmid: Int64?) -> [Place] {
    guard storage.facts.grammar == .directory, let base = storage.property("path") else { return [] }
    let allowed: [String] =
      switch storage.scfg["content"] {
      case .array(let list): list.compactMap(\.stringValue)
      case .string(let text): ListText.split(text)
      default: storage.facts.defaultContent
      }
    return fileTypes.compactMap { type in
      let name = type.rawValue
      // Only backups belong to guests.
      guard allowed.contains(name), wanted?.contains(name) ?? true, vmid == nil || type == .backup else { return nil }
      return Place(type: type, base: base, below: relativeSubdirectory(type, storage))
    }
  }

  private static func start(_ cursor: String?, _ storage: Storage) throws(StorageError) -> (Int, String)? {
    guard let cursor, cursor.hasPrefix(mark) else { return nil }
    let parts = cursor.dropFirst(mark.count).split(separator: "/", maxSplits: 1)
    guard parts.count == 2, let index = fileTypes.firstIndex(where: { $0.rawValue == parts[0] }) else {
      throw .refused(
        .cursorInvalid, "the cursor is none of storage '\(storage.id)'", hint: "list again from the beginning",
        field: "cursor")
    }
    return (index, String(parts[1]))
  }

  private static func files(
    _ places: [Place], after position: (Int, String)?, vmid: Int?, limit: Int
  ) throws(StorageError) -> (entries: [JSON], next: String?) {
    var entries: [JSON] = []
    var last = position.map { "\(fileTypes[$0.0].rawValue)/\($0.1)" } ?? ""
    for place in places {
      let index = fileTypes.firstIndex(of: place.type) ?? 0
      if let position, index < position.0 { continue }
      guard let directory = try ContentDirectory(base: place.base, below: place.below) else { continue }
      for name in try directory.names() {
        if let position, index == position.0, !position.1.utf8.lexicographicallyPrecedes(name.utf8) { continue }
        guard let entry = entry(place.type, name, in: directory, vmid: vmid) else { continue }
        if entries.count >= limit { return (entries, last.isEmpty ? "\(place.type.rawValue)/ " : last) }
        entries.append(.object(entry))
        last = "\(place.type.rawValue)/\(name)"
      }
    }
    return (entries, nil)
  }

  /// What a listing says of one file; nil when its name is none of its type or it is no regular file.
  private static func entry(
    _ type: VolumeType, _ name: String, in directory: borrowing ContentDirectory, vmid: Int?
  ) -> JSONObject? {
    let volname = "\(type.rawValue)/\(name)"
    let parsed: VolumeName
    do throws(RulesError) { parsed = try VolumeName(parsing: volname, grammar: .directory) } catch { return nil }
    guard vmid == nil || parsed.vmid == vmid, let file = directory.file(name) else { return nil }
    var entry: JSONObject = [
      "volname": .string(volname), "format": .string(format(type, name)), "size": .int(file.size),
      "used": .int(file.used), "ctime": .int(file.ctime), "content": .string(type.rawValue),
    ]
    guard type == .backup else { return entry }
    entry.setOptional("vmid", parsed.vmid)
    let backup = BackupEntry(
      volid: volname, listedTime: file.ctime, listedOwner: parsed.vmid, isProtected: false, zone: StorageHost.localZone)
    entry["ctime"] = .int(max(0, backup.ctime))
    entry["subtype"] = .string(backup.type)
    if let notes = directory.text(name + ".notes")?.split(separator: "\n", maxSplits: 1).first, !notes.isEmpty {
      entry["notes"] = .string(String(notes))
    }
    entry["protected"] = .bool(directory.file(name + ".protected") != nil)
    return entry
  }

  /// What Proxmox VE shows as a file's format.
  static func format(_ type: VolumeType, _ name: String) -> String {
    switch type {
    case .iso: return "iso"
    case .snippets: return "snippet"
    case .vztmpl:
      let ending = name.utf8.lastIndex(of: UInt8(ascii: ".")).map { name[name.utf8.index(after: $0)...] } ?? "tar"
      return ending == "tar" ? "tar" : "t\(ending == "gz" ? "gz" : String(ending))"
    case .backup:
      guard let ending = BackupName.ending(of: name) else { return "tar" }
      return String(ending.dropFirst())
    default: return name.utf8.lastIndex(of: UInt8(ascii: ".")).map { String(name[name.utf8.index(after: $0)...]) } ?? ""
    }
  }

  // MARK: Attributes

  /// Notes and protection of a backup, kept in files beside it.
  static func getAttribute(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    let (place, name, attribute) = try sideFile(storage, arguments, "get_volume_attribute")
    return try await FileWork.run(storage, timeout: run.timeout ?? patience) { () throws(StorageError) in
      guard let directory = try ContentDirectory(base: place.base, below: place.below), directory.file(name) != nil
      else { throw .noVolume("\(place.type.rawValue)/\(name)", storage) }
      if attribute == "protected" { return ["value": .bool(directory.file(name + ".protected") != nil)] }
      return ["value": directory.text(name + ".notes").flatMap { $0.isEmpty ? nil : .string($0) } ?? .null]
    }
  }

  static func setAttribute(
    _ storage: Storage, _ arguments: JSONObject, _ run: CallRun
  ) async throws(StorageError) -> JSONObject {
    let (place, name, attribute) = try sideFile(storage, arguments, "update_volume_attribute")
    let value = arguments["value"] ?? .null
    let content: [UInt8]?
    switch (attribute, value) {
    case ("protected", .bool(let isProtected)): content = isProtected ? [] : nil
    case ("notes", .string(let text)): content = text.isEmpty ? nil : Array(text.utf8)
    case (_, .null): content = nil
    default:
      throw .refused(
        .invalidParams, "'\(attribute)' cannot be \(value)", hint: "notes are a text, protected is true or false",
        field: "value")
    }
    return try await FileWork.run(storage, timeout: run.timeout ?? patience) { () throws(StorageError) in
      guard let directory = try ContentDirectory(base: place.base, below: place.below), directory.file(name) != nil
      else { throw .noVolume("\(place.type.rawValue)/\(name)", storage) }
      if let content {
        try directory.write("\(name).\(attribute)", content)
      } else {
        try directory.remove("\(name).\(attribute)")
      }
      return [:]
    }
  }

  private static func sideFile(
    _ storage: Storage, _ arguments: JSONObject, _ method: String
  ) throws(StorageError) -> (place: Place, name: String, attribute: String) {
    let attribute = try arguments.text("attribute")
    guard storage.facts.grammar == .directory, let base = storage.property("path"),
      case let parsed = try name(try arguments.text("volname"), storage), parsed.type == .backup,
      attribute == "notes" || attribute == "protected"
    else {
      throw .refused(
        .notSupported, "storage '\(storage.id)' does not support \(method) here",
        hint: "without the plugin's help only backups below a path have notes and protection")
    }
    let place = Place(type: .backup, base: base, below: relativeSubdirectory(.backup, storage))
    return (place, parsed.name, attribute)
  }
}
