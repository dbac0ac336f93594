// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A method of the plugin protocol to call by its name.
public struct MethodCall: JSONCodable, Sendable, Hashable {
  /// Its name, as in `protocol/v1/reference.md`.
  public var method: String
  /// Its arguments, without `storeid`, `scfg` and `context`: the host adds those.
  public var arguments: JSONObject

  public init(method: String, arguments: JSONObject = JSONObject()) {
    self.method = method
    self.arguments = arguments
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    try members.refuseUnknown(except: ["method", "arguments"], at: path)
    method = try members.required("method", at: path)
    arguments = try members.optional("arguments", at: path, default: JSONObject())
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("method", method)
    members.set("arguments", arguments)
    return .object(members)
  }
}
