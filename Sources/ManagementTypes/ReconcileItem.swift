// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What became of one interrupted operation.
public struct ReconcileItem: JSONCodable, Sendable, Hashable {
  /// Its id in the journal.
  public var operation: String
  /// What it was.
  public var method: String
  /// The storage.
  public var storeid: String
  /// `done`, `undone`, or `reported` when somebody has to look.
  public var verdict: String
  /// What was found.
  public var message: String
  /// What to do, as a command where there is one.
  public var hint: String?

  public init(
    operation: String, method: String, storeid: String, verdict: String, message: String, hint: String? = nil
  ) {
    self.operation = operation
    self.method = method
    self.storeid = storeid
    self.verdict = verdict
    self.message = message
    self.hint = hint
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    operation = try members.required("operation", at: path)
    method = try members.required("method", at: path)
    storeid = try members.required("storeid", at: path)
    verdict = try members.required("verdict", at: path)
    message = try members.required("message", at: path)
    hint = try members.optional("hint", at: path)
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("operation", operation)
    members.set("method", method)
    members.set("storeid", storeid)
    members.set("verdict", verdict)
    members.set("message", message)
    members.setOptional("hint", hint)
    return .object(members)
  }
}
