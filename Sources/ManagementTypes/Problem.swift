// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What the API answers when something did not work (RFC 9457, `application/problem+json`).
///
/// It says what, where and what to do next, and, because a caller must know it before trying again, in what state
/// the failure left things.
public struct Problem: Error, Sendable, Hashable {
  /// The HTTP status.
  public var status: Int
  /// The stable name of the fault: `NO_SPACE`, `VOLUME_NOT_FOUND`, `BAD_REQUEST`, …
  public var symbol: String
  /// The fault in one sentence: what is wrong.
  public var detail: String
  /// Where: the storage, volume, snapshot or member of the request it is about; empty when it is about all of it.
  public var place: String
  /// What was done although it failed: `not_started`, `rolled_back`, `partial`, `completed` or `unknown`.
  public var outcome: String
  /// What to do next; empty when there is nothing to advise.
  public var hint: String
  /// Whether trying again may help: `never`, `immediately`, `later`, …; empty when unknown.
  public var retry: String
  /// Earliest time to try again, in milliseconds from now.
  public var retryAfterMs: Int64?
  /// More facts for programs, by symbol; never secrets.
  public var data: JSONObject

  public init(
    status: Int, symbol: String, detail: String, place: String = "", outcome: String = "not_started",
    hint: String = "", retry: String = "", retryAfterMs: Int64? = nil, data: JSONObject = JSONObject()
  ) {
    self.status = status
    self.symbol = symbol
    self.detail = detail
    self.place = place
    self.outcome = outcome
    self.hint = hint
    self.retry = retry
    self.retryAfterMs = retryAfterMs
    self.data = data
  }

  /// The media type of its JSON form.
  public static let mediaType = "application/problem+json"
}

extension Problem: JSONDecodable, JSONEncodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let members = try json.object(at: path)
    status = try members.required("status", at: path)
    symbol = try members.required("symbol", at: path)
    detail = try members.optional("detail", at: path, default: "")
    place = try members.optional("where", at: path, default: "")
    outcome = try members.optional("outcome", at: path, default: "unknown")
    hint = try members.optional("hint", at: path, default: "")
    retry = try members.optional("retry", at: path, default: "")
    retryAfterMs = try members.optional("retryAfterMs", at: path)
    data = try members.optional("data", at: path, default: JSONObject())
  }

  public func json() -> JSON {
    var members = JSONObject()
    members.set("type", "urn:berth:problem:" + symbol.lowercased())
    members.set("title", symbol)
    members.set("status", status)
    members.set("symbol", symbol)
    members.set("detail", detail)
    if !place.isEmpty { members.set("where", place) }
    members.set("outcome", outcome)
    if !hint.isEmpty { members.set("hint", hint) }
    if !retry.isEmpty { members.set("retry", retry) }
    members.setOptional("retryAfterMs", retryAfterMs)
    if !data.isEmpty { members["data"] = .object(data) }
    return .object(members)
  }
}
