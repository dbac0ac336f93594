// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// One JSON-RPC 2.0 message.
enum Message: Sendable {
  case request(id: RequestID, method: String, params: JSON)
  case notification(method: String, params: JSON)
  /// An answer; `id` is nil when it can be to no call of ours.
  case result(id: Int64?, JSON)
  case failure(id: Int64?, RPCError)

  init(_ json: JSON) throws(JSONError) {
    let members = try json.object()
    guard members["jsonrpc"]?.stringValue == "2.0" else {
      throw .invalid("must be \"2.0\"", at: JSONPath(["jsonrpc"]))
    }
    if let method: String = try members.optional("method") {
      self = try Message(method: method, members)
    } else if let error = members["error"], !error.isNull {
      guard !members.has("result") else { throw .invalid("an answer has either a result or an error", at: .root) }
      self = .failure(id: Self.answered(members), try RPCError(answer: error))
    } else if let result = members["result"] {
      self = .result(id: Self.answered(members), result)
    } else {
      throw JSONError(.missing, "has neither a method nor a result nor an error")
    }
  }

  private init(method: String, _ members: JSONObject) throws(JSONError) {
    let params = members["params"] ?? .object(JSONObject())
    switch params {
    case .object, .array: break
    default: throw .mismatch("an object", found: params, at: JSONPath(["params"]))
    }
    if members.has("id") {
      self = .request(id: try members.required("id"), method: method, params: params)
    } else {
      self = .notification(method: method, params: params)
    }
  }

  private static func answered(_ members: JSONObject) -> Int64? { members["id"]?.intValue }
}

extension RPCError {
  /// Longest message taken over from the other side, in characters.
  private static let messageLimit = 4096

  /// Reads the `error` member of an answer.
  fileprivate init(answer: JSON) throws(JSONError) {
    let path = JSONPath(["error"])
    let members = try answer.object(at: path)
    self.init(
      kind: .remote, code: Code(rawValue: try members.required("code", at: path)),
      message: String(try members.required("message", at: path, as: String.self).prefix(Self.messageLimit)),
      data: members["data"], mayHaveRun: true)
  }
}
