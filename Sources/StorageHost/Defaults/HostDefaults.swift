// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// What the host does for a method its plugin does not implement: what Proxmox VE gives its plugins by inheritance.
///
/// Arguments and results have the shapes of the protocol, so a caller cannot tell who answered.
enum HostDefaults {
  typealias Default = @Sendable (Storage, JSONObject, CallRun) async throws(StorageError) -> JSONObject

  /// Every method with a default; the others are NOT_SUPPORTED when a plugin lacks them.
  static let table: [String: Default] = definition.merging(general) { $1 }.merging(volumes) { $1 }
    .merging(transfer) { $1 }

  static let nothing: Default = { (_, _, _) async throws(StorageError) in [:] }

  static func constant(_ result: JSONObject) -> Default { { (_, _, _) async throws(StorageError) in result } }

  /// For what exists as a question but has no answer without the plugin.
  static func unsupported(_ method: String, _ hint: String) -> Default {
    { (storage, _, _) async throws(StorageError) in
      throw .refused(.notSupported, "storage '\(storage.id)' does not support \(method)", hint: hint)
    }
  }

  /// Transfers: what a plugin can neither send nor receive.
  static let transfer: [String: Default] = [
    "volume_export_formats": constant(["formats": []]),
    "volume_import_formats": constant(["formats": []]),
  ]
}

extension JSONObject {
  /// A required text argument of a default.
  func text(_ key: String) throws(StorageError) -> String {
    guard let value = self[key]?.stringValue else {
      throw .refused(.invalidParams, "'\(key)' is missing or no string", hint: "give it as a string", field: key)
    }
    return value
  }
}
