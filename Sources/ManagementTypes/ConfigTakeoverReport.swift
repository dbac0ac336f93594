// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What taking over a configuration file did, or would do.
public struct ConfigTakeoverReport: JSONCodable, Sendable, Hashable {
  /// One section of the file.
  public struct Section: JSONCodable, Sendable, Hashable {
    public var storeid: String
    public var type: String
    /// Of the section's head in the file, counted from 1.
    public var line: Int
    /// `usable`, `waiting` (for a plugin or consent), `broken`, `exists` or `duplicate`.
    public var verdict: String
    /// Names of the secrets stored with it.
    public var secrets: [String]
    public var problems: [String]
    /// What to do next.
    public var next: String?

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      storeid = try members.required("storeid", at: path)
      type = try members.required("type", at: path)
      line = try members.required("line", at: path)
      verdict = try members.required("verdict", at: path)
      secrets = try members.required("secrets", at: path)
      problems = try members.required("problems", at: path)
      next = try members.optional("next", at: path)
    }

    public func json() -> JSON {
      var members = JSONObject()
      members.set("storeid", storeid)
      members.set("type", type)
      members.set("line", line)
      members.set("verdict", verdict)
      members.set("secrets", secrets)
      members.set("problems", problems)
      members.setOptional("next", next)
      return .object(members)
    }
  }

  /// In the order of the file.
  public var sections: [Section]
  /// What is wrong outside of the sections.
  public var problems: [String]
  /// Whether nothing was changed.
  public var dryRun: Bool
  /// Of the daemon's configuration as it is then.
  public var digest: String

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    sections = try members.required("sections", at: path)
    problems = try members.required("problems", at: path)
    dryRun = try members.required("dryRun", at: path)
    digest = try members.required("digest", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("sections", sections)
    members.set("problems", problems)
    members.set("dryRun", dryRun)
    members.set("digest", digest)
    return .object(members)
  }
}
