// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Why a call gave no result, or what a request handler answers instead of one.
public struct RPCError: Error, Sendable, Hashable {
  /// Who or what ended the call.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The other side answered with an error.
    case remote
    /// The deadline passed, or no sign of life came for too long; the other side was told to cancel.
    case timeout
    /// The caller's task was cancelled; the other side was told to cancel.
    case cancelled
    /// The connection ended: see the message for how.
    case closed
    /// Too much is waiting to be sent to the other side.
    case overloaded
    /// The other side broke the protocol; the connection is closed.
    case violation
    /// The call could not be made as asked, a message over the size limit for instance.
    case invalid
  }

  /// A JSON-RPC error number; open, because each protocol adds its own.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    // JSON-RPC 2.0, section 5.1.
    public static let parseError = Code(rawValue: -32_700)
    public static let invalidRequest = Code(rawValue: -32_600)
    public static let methodNotFound = Code(rawValue: -32_601)
    public static let invalidParams = Code(rawValue: -32_602)
    public static let internalError = Code(rawValue: -32_603)

    // The storage protocol's numbers for what happens to messages themselves; its error table has the rest.
    public static let messageTooLarge = Code(rawValue: 1005)
    public static let overloaded = Code(rawValue: 1006)
    public static let cancelled = Code(rawValue: 1007)
    public static let deadlineExceeded = Code(rawValue: 1008)
    public static let protocolViolation = Code(rawValue: 1016)
    public static let pluginCrashed = Code(rawValue: 1017)
  }

  public var kind: Kind
  public var code: Code
  /// One line for people, without secrets.
  public var message: String
  /// What the other side sent beside its message; for errors made here, the protocol's `symbol`, `outcome` and `retry`.
  public var data: JSON?
  /// False only when it is certain that the other side never saw the request.
  public var mayHaveRun: Bool
  /// The other side answered neither the call nor the request to cancel it: it may still be at work.
  public var isUnanswered = false

  public init(kind: Kind, code: Code, message: String, data: JSON? = nil, mayHaveRun: Bool) {
    self.kind = kind
    self.code = code
    self.message = message
    self.data = data
    self.mayHaveRun = mayHaveRun
  }

  /// An error to answer a request with.
  public init(_ code: Code, _ message: String, data: JSON? = nil) {
    self.init(kind: .remote, code: code, message: message, data: data, mayHaveRun: true)
  }
}

extension RPCError {
  /// The method is not known here.
  public static func methodNotFound(_ method: String) -> RPCError {
    RPCError(.methodNotFound, "there is no method \(Quote.text(method))")
  }

  /// The parameters do not fit the method.
  public static func invalidParams(_ error: JSONError) -> RPCError {
    RPCError(
      .invalidParams, "params\(error.path.pointer): \(error.message)", data: ["field": .string(error.path.pointer)])
  }

  static func data(_ symbol: String, outcome: String, retry: String) -> JSON {
    ["symbol": .string(symbol), "outcome": .string(outcome), "retry": ["class": .string(retry)]]
  }

  static func overloaded(_ message: String) -> RPCError {
    RPCError(
      kind: .overloaded, code: .overloaded, message: message,
      data: data("OVERLOADED", outcome: "not_started", retry: "backoff"), mayHaveRun: false)
  }

  static func tooLarge(_ what: String, _ bytes: Int, limit: Int) -> RPCError {
    var data = data("MESSAGE_TOO_LARGE", outcome: "not_started", retry: "after_fix").objectValue ?? [:]
    data.set("limit", limit)
    return RPCError(
      kind: .invalid, code: .messageTooLarge, message: "\(what) has \(bytes) bytes; the limit is \(limit)",
      data: .object(data), mayHaveRun: false)
  }
}

extension RPCError: CustomStringConvertible {
  public var description: String { "\(message) (\(kind.rawValue), code \(code.rawValue))" }
}
