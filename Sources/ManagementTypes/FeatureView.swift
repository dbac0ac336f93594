// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Whether a volume can do something.
public struct FeatureView: JSONCodable, Sendable, Hashable {
  /// What: `clone`, `copy`, `snapshot`, `template`, `rename`, `sparseinit`, `replicate`.
  public var feature: String
  /// Whether it can.
  public var supported: Bool

  public init(feature: String, supported: Bool) {
    self.feature = feature
    self.supported = supported
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    feature = try members.required("feature", at: path)
    supported = try members.required("supported", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("feature", feature)
    members.set("supported", supported)
    return .object(members)
  }
}
