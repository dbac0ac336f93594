// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

extension Storage {
  /// Reads a volume name: by the plugin when it has its own grammar, else by the grammar its manifest names.
  func parse(_ volname: String, _ run: CallRun) async throws(StorageError) -> ParsedName {
    try InputChecks.volname(volname)
    let answer = try await call("parse_volname", ["volname": .string(volname)], run.question)
    return try ParsedName(answer, volname: volname, storage: id)
  }

  /// The volume's size and format, or nil when there is no such volume.
  func sizeInfo(_ volname: String, _ run: CallRun) async throws(StorageError) -> SizeInfo? {
    do throws(StorageError) {
      return try SizeInfo(
        try await call("volume_size_info", ["volname": .string(volname)], run.question), storage: self)
    } catch {
      if error.code == .volumeNotFound { return nil }
      throw error
    }
  }

  /// Whether the storage has the volume: it must neither know its size nor list it to count as absent.
  func exists(_ volname: String, _ run: CallRun) async throws(StorageError) -> Bool {
    if try await sizeInfo(volname, run) != nil { return true }
    return try await isListed(volname, run)
  }

  /// Whether `list_images` names the volume.
  func isListed(_ volname: String, _ run: CallRun) async throws(StorageError) -> Bool {
    var cursor: String?
    repeat {
      var arguments: JSONObject = ["volnames": [.string(volname)]]
      arguments["cursor"] = cursor.map(JSON.string)
      let page = try await call("list_images", arguments, run.question)
      if page["volumes"]?.arrayValue?.contains(where: { $0["volname"]?.stringValue == volname }) == true { return true }
      cursor = page["nextCursor"]?.stringValue
    } while cursor != nil
    return false
  }

  /// All image names of one guest, or of all.
  func imageNames(vmid: Int?, _ run: CallRun) async throws(StorageError) -> [String] {
    var names: [String] = []
    var cursor: String?
    repeat {
      var arguments: JSONObject = [:]
      arguments["vmid"] = vmid.map { .int(Int64($0)) }
      arguments["cursor"] = cursor.map(JSON.string)
      let page = try await call("list_images", arguments, run.question)
      for entry in page["volumes"]?.arrayValue ?? [] {
        if let name = entry["volname"]?.stringValue { names.append(name) }
      }
      cursor = page["nextCursor"]?.stringValue
    } while cursor != nil
    return names
  }

  /// The volume's snapshots, or nil when the storage cannot tell.
  func snapshotNames(_ volname: String, _ run: CallRun) async throws(StorageError) -> [String]? {
    guard facts.methods.contains("volume_snapshot_info") else { return nil }
    let answer = try await call("volume_snapshot_info", ["volname": .string(volname)], run.question)
    return (answer["snapshots"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
  }
}

/// What `volume_size_info` says.
struct SizeInfo: Sendable, Hashable {
  var size: Int64
  var format: String
  var used: Int64?
  var parent: String?
  var ctime: Int64?

  init(_ answer: JSONObject, storage: Storage) throws(StorageError) {
    do throws(JSONError) {
      size = try answer.required("size")
      format = try answer.required("format")
      used = try answer.optional("used")
      parent = try answer.optional("parent")
      ctime = try answer.optional("ctime")
    } catch { throw .lie("volume_size_info", storage, "\(error)") }
  }
}

/// What `parse_volname` says.
struct ParsedName: Sendable, Hashable {
  var volname: String
  var vtype: String
  var name: String
  var vmid: Int?
  var basename: String?
  var basevmid: Int?
  var isBase: Bool
  var format: String?

  init(_ answer: JSONObject, volname: String, storage: String) throws(StorageError) {
    self.volname = volname
    do throws(JSONError) {
      let parts: JSONObject = try answer.required("parts")
      vtype = try parts.required("vtype")
      name = try parts.required("name")
      vmid = try parts.optional("vmid")
      basename = try parts.optional("basename")
      basevmid = try parts.optional("basevmid")
      isBase = try parts.optional("isBase", default: false)
      format = try parts.optional("format")
    } catch {
      throw .refused(
        .resultInvalid, "storage '\(storage)' answered parse_volname with a wrong result: \(error)", hint: nil)
    }
  }

  init(_ name: VolumeName) {
    volname = name.text
    vtype = name.type.rawValue
    self.name = name.name
    vmid = name.vmid
    basename = name.basename
    basevmid = name.basevmid
    isBase = name.isBase
    format = name.format.rawValue
  }

  var json: JSONObject {
    var parts: JSONObject = ["vtype": .string(vtype), "name": .string(name), "isBase": .bool(isBase)]
    parts.setOptional("vmid", vmid)
    parts.setOptional("basename", basename)
    parts.setOptional("basevmid", basevmid)
    parts.setOptional("format", format)
    return ["parts": .object(parts)]
  }
}
