// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// One JSON-RPC 2.0 message.
enum Message: Sendable {
  case request(id: Int64, method: String, params: JSON)
  case notification(method: String, params: JSON)
  /// An answer; `id` is nil when it can be to no call of ours.
  case result(id: Int64?, JSON)
  case failure(id: Int64?, RPCError)

  init(_ json: JSON) throws(JSONError) {
    guard case .object(let members) = json else { throw .mismatch("an object", found: json, at: .root) }
    var version: JSON?
    var method: JSON?
    var id: JSON?
    var params: JSON?
    var result: JSON?
    var error: JSON?
    for member in members {
      switch member.key {
      case "jsonrpc": version = member.value
      case "id": id = member.value
      case "method": method = member.value
      case "params": params = member.value
      case "result": result = member.value
      case "error": error = member.value
      default: break
      }
    }
    guard case .string("2.0") = version else { throw .invalid("must be \"2.0\"", at: JSONPath(["jsonrpc"])) }
    if let method, !method.isNull {
      guard case .string(let name) = method else {
        throw .mismatch("a string", found: method, at: JSONPath(["method"]))
      }
      self = try Message(method: name, id: id, params: params ?? .object(JSONObject()))
    } else if let error, !error.isNull {
      guard result == nil else { throw .invalid("an answer has either a result or an error", at: .root) }
      self = .failure(id: id?.intValue, try RPCError(answer: error))
    } else if let result {
      self = .result(id: id?.intValue, result)
    } else {
      throw JSONError(.missing, "has neither a method nor a result nor an error")
    }
  }

  private init(method: String, id: JSON?, params: JSON) throws(JSONError) {
    switch params {
    case .object, .array: break
    default: throw .mismatch("an object", found: params, at: JSONPath(["params"]))
    }
    if let id {
      self = .request(id: try Self.id(id), method: method, params: params)
    } else {
      self = .notification(method: method, params: params)
    }
  }
}

extension Message {
  fileprivate static func id(_ json: JSON) throws(JSONError) -> Int64 {
    guard case .int(let number) = json else { throw .mismatch("an integer", found: json, at: JSONPath(["id"])) }
    return number
  }
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
