// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// How the daemon is.
public struct HealthView: JSONCodable, Sendable, Hashable {
  /// `running`, or `draining` once it was asked to stop.
  public var state: String
  /// Its process id.
  public var pid: Int
  /// Milliseconds since it started.
  public var uptimeMs: Int64
  /// How plugins are shut in: `privileged`, or the weaker `unprivileged`.
  public var sandbox: String
  /// How many storages are configured.
  public var storages: Int
  /// How many of them can be used.
  public var usable: Int
  /// What an administrator should know, one sentence each.
  public var warnings: [String]

  public init(
    state: String, pid: Int, uptimeMs: Int64, sandbox: String, storages: Int, usable: Int, warnings: [String] = []
  ) {
    self.state = state
    self.pid = pid
    self.uptimeMs = uptimeMs
    self.sandbox = sandbox
    self.storages = storages
    self.usable = usable
    self.warnings = warnings
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    state = try members.required("state", at: path)
    pid = try members.required("pid", at: path)
    uptimeMs = try members.required("uptimeMs", at: path)
    sandbox = try members.required("sandbox", at: path)
    storages = try members.required("storages", at: path)
    usable = try members.required("usable", at: path)
    warnings = try members.optional("warnings", at: path, default: [])
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("state", state)
    members.set("pid", pid)
    members.set("uptimeMs", uptimeMs)
    members.set("sandbox", sandbox)
    members.set("storages", storages)
    members.set("usable", usable)
    members.set("warnings", warnings)
    return .object(members)
  }
}
