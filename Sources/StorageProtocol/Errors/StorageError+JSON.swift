// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

extension StorageError: JSONCodable {
  /// Bytes of JSON that ``details`` may hold when they come from outside; more are dropped.
  static let detailLimit = 16 << 10

  /// Reads a JSON-RPC `error` object, however poor: what is missing is filled from the error table, the outcome
  /// with `unknown`.
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    let code = Code(rawValue: try object.required("code", at: path))
    let message: String = try object.required("message", at: path)
    self.init(code: code, message: message, data: object["data"]?.objectValue ?? [:])
  }

  /// Reads the parts of a JSON-RPC error that came from outside.
  ///
  /// Text is bounded and escaped, details beyond 16 KiB are dropped (``details`` then says `truncated`).
  public init(code: Code, message: String, data: JSONObject) {
    var details = data
    for known in ["symbol", "outcome", "retry", "hint"] { details[known] = nil }
    if !details.isEmpty, JSON.object(details).bytes().count > Self.detailLimit { details = ["truncated": true] }
    let outcome = data["outcome"]?.stringValue.flatMap(Outcome.init(rawValue:)) ?? .unknown
    let retry = data["retry"].flatMap { try? RetryAdvice(json: $0, path: .root) }
    self.init(
      code, ForeignText.bounded(message), outcome: outcome, retry: retry,
      hint: data["hint"]?.stringValue.map { ForeignText.bounded($0, limit: 512) }, details: details)
  }

  /// `error.data`: always `symbol`, `outcome` and `retry`.
  public var data: JSONObject {
    var data: JSONObject = ["symbol": .string(code.symbol), "outcome": .string(outcome.rawValue)]
    data.set("retry", retry)
    data.setOptional("hint", hint)
    for member in details where data[member.key] == nil { data[member.key] = member.value }
    return data
  }

  /// The JSON-RPC `error` object.
  public func json() -> JSON {
    ["code": .int(Int64(code.rawValue)), "message": .string(message), "data": .object(data)]
  }
}

extension StorageError {
  /// The same failure with more said about it in `error.data`.
  public func adding(_ key: String, _ value: JSON) -> StorageError {
    var copy = self
    copy.details[key] = value
    return copy
  }

  /// Arguments or a result that do not fit: the JSON error with its place.
  public init(_ code: Code, _ error: JSONError, outcome: Outcome) {
    self.init(code, error.description, outcome: outcome, details: ["field": .string(error.path.pointer)])
  }
}
