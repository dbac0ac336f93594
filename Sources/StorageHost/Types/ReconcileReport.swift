// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What reconciling found and did.
public struct ReconcileReport: Sendable, Hashable, JSONEncodable {
  /// What became of one unfinished operation.
  public struct Item: Sendable, Hashable, JSONEncodable {
    /// How it was resolved.
    public enum Verdict: String, Sendable, Hashable {
      /// The work is there and complete.
      case done
      /// Nothing of it is left.
      case undone
      /// Somebody has to look; the hint says how.
      case reported
    }
    public var operation: String
    public var method: String
    public var storeid: String
    public var verdict: Verdict
    public var message: String
    public var hint: String?

    public func json() -> JSON {
      var object = JSONObject()
      object.set("operation", operation)
      object.set("method", method)
      object.set("storeid", storeid)
      object.set("verdict", verdict.rawValue)
      object.set("message", message)
      object.setOptional("hint", hint)
      return .object(object)
    }
  }

  public var items: [Item]
  public func json() -> JSON { ["items": items.json()] }
}
