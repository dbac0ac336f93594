// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import JSONRPC
internal import StorageProtocol

extension StorageError {
  /// What the connection says, as the protocol says it.
  ///
  /// - Parameter outcome: what is true when the other side did not say: `notStarted` for calls that change nothing.
  init(_ error: RPCError, outcome: Outcome) {
    guard error.kind == .remote || (error.code == .cancelled && !error.isUnanswered && error.data != nil) else {
      self.init(
        Code(rawValue: error.code.rawValue), error.message, outcome: error.mayHaveRun ? outcome : .notStarted)
      return
    }
    let data = error.data?.objectValue ?? [:]
    self.init(code: Code(rawValue: error.code.rawValue), message: error.message, data: data)
    if data["outcome"] == nil {
      // JSON-RPC's own faults say nothing about the outcome; those of the request itself mean it was not begun.
      self.outcome =
        [.methodNotFound, .invalidParams, .invalidRequest, .parseError].contains(code) ? .notStarted : outcome
    } else if outcome == .notStarted, self.outcome == .unknown {
      self.outcome = .notStarted
    }
    if !code.mayComeFromPlugin, code != .hostDenied {
      // A plugin must not speak of itself as the host does: that would steer recovery.
      details["claimed"] = .string(code.symbol)
      code = .internalError
      retry = RetryAdvice(.never)
    }
  }

  /// A failure of a call whose child is gone, with how it went.
  static func lost(_ method: String, _ end: ChildEnd, name: String, outcome: Outcome) -> StorageError {
    if let what = end.unreapable { return PluginInstance.unreapable(name, what, outcome: outcome) }
    return StorageError(
      .pluginCrashed, "\(name) \(end.text), while \(method) ran", outcome: outcome,
      hint: outcome == .unknown ? "ask the storage whether it was done, or repeat it with the same key" : nil,
      details: end.details)
  }

  /// A failed start, with how the child ended.
  func at(start end: ChildEnd, name: String) -> StorageError {
    if let what = end.unreapable { return PluginInstance.unreapable(name, what, outcome: .notStarted) }
    var error = self
    if code == .pluginCrashed {
      var natural = end
      if end.status != nil { natural.cause = nil }
      error.message = "\(name) \(natural.text), during its start"
    } else if !end.lastLines.isEmpty {
      error.message += "; its last words: \"\(quoted(end.lastLines.suffix(3).joined(separator: " | "), limit: 600))\""
    }
    for member in end.details where error.details[member.key] == nil { error.details[member.key] = member.value }
    return error
  }
}
