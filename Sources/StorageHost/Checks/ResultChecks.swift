// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol
internal import StorageRules

/// Finds out when a plugin's answer cannot be true: another name than the host chose, impossible sizes, a path outside
/// of what it was granted.
enum ResultChecks {
  static func check(
    _ method: String, _ arguments: JSONObject, _ result: JSONObject, on storage: Storage
  ) throws(StorageError) -> JSONObject {
    switch method {
    case "alloc_image", "volume_import":
      try sameName(method, chosen: arguments["volname"], result, storage)
      try size(result, ["size", "bytes"], method, storage)
    case "clone_image", "create_base", "rename_volume":
      try sameName(method, chosen: arguments["targetVolname"], result, storage)
    case "volume_size_info": try size(result, ["size", "used"], method, storage)
    case "status": try size(result, ["total", "used", "available"], method, storage)
    case "volume_resize", "volume_export": try size(result, ["size", "bytes"], method, storage)
    case "list_images", "list_volumes": try listing(method, result, storage)
    case "path", "filesystem_path", "map_volume", "get_subdir": try path(method, result, storage)
    default: break
    }
    return result
  }

  private static func sameName(
    _ method: String, chosen: JSON?, _ result: JSONObject, _ storage: Storage
  ) throws(StorageError) {
    guard let chosen = chosen?.stringValue else { return }
    guard result["volname"]?.stringValue == chosen else {
      let returned = result["volname"]?.stringValue.map { "\(Quoted($0))" } ?? "no name"
      let error = StorageError.lie(
        method, storage, "it returned \(returned) where \(Quoted(chosen)) was asked for", outcome: .unknown)
      throw result["volname"].map { error.adding("returned", $0) } ?? error
    }
  }

  private static func size(
    _ result: JSONObject, _ keys: [String], _ method: String, _ storage: Storage
  ) throws(StorageError) {
    for key in keys {
      guard let value = result[key], !value.isNull else { continue }
      guard let size = value.intValue, size >= 0 else {
        throw .lie(method, storage, "'\(key)' is \(value), not a number of bytes", outcome: .unknown)
      }
    }
  }

  private static func listing(_ method: String, _ result: JSONObject, _ storage: Storage) throws(StorageError) {
    guard let volumes = result["volumes"]?.arrayValue else {
      throw .lie(method, storage, "there is no array 'volumes'")
    }
    for entry in volumes {
      guard let object = entry.objectValue, let name = object["volname"]?.stringValue else {
        throw .lie(method, storage, "an entry has no 'volname'")
      }
      do { try NameSafety.check(name) } catch {
        throw .lie(method, storage, "it lists \(Quoted(name)): \(error.message)")
      }
      try size(object, ["size", "used"], method, storage)
    }
  }

  /// An absolute path must lie beneath a granted directory; other addresses (`rbd:…`) are left to their readers.
  private static func path(_ method: String, _ result: JSONObject, _ storage: Storage) throws(StorageError) {
    guard let path = result["path"]?.stringValue else { throw .lie(method, storage, "there is no 'path'") }
    guard path.hasPrefix("/") else { return }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = !parts.contains("..") && !parts.contains(".") && !path.utf8.contains(0)
    guard isPlain, storage.grants.contains(where: { path == $0 || path.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") })
    else {
      throw .lie(method, storage, "the path \(Quoted(path)) is outside of the directories it was granted")
    }
  }
}
