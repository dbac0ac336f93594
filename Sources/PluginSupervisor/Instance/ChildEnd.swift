// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox

/// How a child's life ended, once it is certain.
struct ChildEnd: Sendable {
  /// Why the host ended it; nil when it ended by itself.
  var cause: String?
  var status: ExitStatus?
  var limit: LimitHit?
  /// Its last words on stderr, escaped and bounded.
  var lastLines: [String] = []
  /// Set when something of it survives: what, in words.
  var unreapable: String?
  /// Whether the end was asked for and went well.
  var isOrderly = false
  /// Whether it ended along with the launcher that had started it: no fault of the plugin's.
  var isLaunchersEnd = false

  /// `ran into its memory limit`, nil when it ran into none.
  var limitText: String? { limit.map { "ran into its \($0.rawValue) limit" } }

  /// One clause: `exited with status 3; its last words: "…"`.
  var text: String {
    var parts: [String] = []
    if let limitText { parts.append(limitText) }
    if let unreapable {
      parts.append("cannot be killed: \(unreapable)")
    } else if isLaunchersEnd {
      parts.append("ended together with the launcher that had started it")
    } else if let cause {
      parts.append("was ended because \(cause)")
    } else if let status {
      parts.append("\(status)")
    } else {
      parts.append("ended")
    }
    let words = lastLines.suffix(3).joined(separator: " | ")
    return parts.joined(separator: " and ")
      + (words.isEmpty ? "" : "; its last words: \"\(quoted(words, limit: 600))\"")
  }

  /// Members for `error.data`.
  var details: JSONObject {
    var details: JSONObject = [:]
    switch status {
    case .exited(let code): details["exit"] = .int(Int64(code))
    case .signalled(let signal): details["signal"] = .int(Int64(signal))
    case .killed: details["signal"] = .int(9)
    case nil: break
    }
    if let cause { details["cause"] = .string(cause) }
    if let limit { details["limit"] = .string(limit.rawValue) }
    if !lastLines.isEmpty { details["stderr"] = .array(lastLines.map { .string($0) }) }
    return details
  }
}
