// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One configured storage as its owner sees it; never holds secrets.
public struct StorageSummary: Sendable, Hashable, JSONEncodable {
  public var storeid: String
  /// The storage type, such as `dir`.
  public var type: String
  /// The plugin that serves it; nil when none of the installed ones does.
  public var plugin: String?
  /// Content types, sorted.
  public var content: [String]
  public var isShared: Bool
  /// False when `disable` is set or the storage is not meant for this node.
  public var isEnabled: Bool
  /// Why the storage cannot be used although it is configured; nil when it can.
  public var problem: String?
  /// The section as it stands in the file, in its order.
  public var properties: JSONObject
  /// The same with defaults applied and types decoded, as plugins get it; nil while there is a problem.
  public var config: JSONObject?
  /// Names of the sensitive properties that have a value.
  public var secrets: [String]
  /// SHA-1 of the whole configuration file, to detect a change by somebody else.
  public var digest: String

  public func json() -> JSON {
    var object = JSONObject()
    object.set("storeid", storeid)
    object.set("type", type)
    object.setOptional("plugin", plugin)
    object.set("content", content)
    object.set("shared", isShared)
    object.set("enabled", isEnabled)
    object.setOptional("problem", problem)
    object["properties"] = .object(properties)
    object["config"] = config.map(JSON.object)
    object.set("secrets", secrets)
    object.set("digest", digest)
    return .object(object)
  }
}
