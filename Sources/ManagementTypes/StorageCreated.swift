// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What adding or changing a storage did.
public struct StorageCreated: JSONCodable, Sendable, Hashable {
  /// The configuration now.
  public var storage: StorageView
  /// What the plugin wants shown once, for example a generated key.
  public var show: JSONObject
  /// What the administrator has to know besides: that a change was made without the plugin, and why.
  public var warnings: [String]

  public init(storage: StorageView, show: JSONObject = JSONObject(), warnings: [String] = []) {
    self.storage = storage
    self.show = show
    self.warnings = warnings
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    storage = try members.required("storage", at: path)
    show = try members.optional("show", at: path, default: JSONObject())
    warnings = try members.optional("warnings", at: path, default: [])
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("storage", storage)
    members.set("show", show)
    if !warnings.isEmpty { members.set("warnings", warnings) }
    return .object(members)
  }
}
