// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// What a plugin answered to one request.
enum Answer: Sendable, Hashable {
  case result(JSON)
  case error(Fault)
}

/// An error answer, read strictly.
struct Fault: Sendable, Hashable, CustomStringConvertible {
  var code: StorageError.Code
  var message: String
  var outcome: String
  var data: JSONObject

  private static let outcomes: Set<String> = ["not_started", "rolled_back", "partial", "completed", "unknown"]
  private static let retries: Set<String> = [
    "never", "same_key", "backoff", "after_fix", "after_activate", "after_restart", "reacquire", "poll", "new_name",
    "restart_list",
  ]

  /// - Throws: what is missing or wrong in the error object.
  init(_ json: JSON, method: String) throws(CheckStop) {
    guard let number = json["code"]?.intValue, let message = json["message"]?.stringValue else {
      throw .failed("the error answer to \(method) has no integer code or no message: \(json.text().prefix(300))")
    }
    code = StorageError.Code(rawValue: Int(number))
    self.message = message
    let place = "the error answer to \(method) (\(number) \(message.prefix(120)))"
    guard case .object(let data)? = json["data"] else { throw .failed("\(place) has no data object") }
    self.data = data
    guard data["symbol"]?.stringValue == code.symbol else {
      throw .failed("\(place) says symbol \(data["symbol"]?.text() ?? "nothing"), its number means \(code.symbol)")
    }
    guard let outcome = data["outcome"]?.stringValue, Self.outcomes.contains(outcome) else {
      throw .failed("\(place) has no known outcome")
    }
    self.outcome = outcome
    guard let retry = data["retry"]?["class"]?.stringValue, Self.retries.contains(retry) else {
      throw .failed("\(place) has no known retry.class")
    }
  }

  var description: String { "\(code.symbol) (outcome \(outcome)): \(message.prefix(200))" }
}
