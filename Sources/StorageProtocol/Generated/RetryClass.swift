// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// What a caller may do after a failure.
public struct RetryClass: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// The same request will fail again.
  public static let never = RetryClass(rawValue: "never")
  /// May be sent again with the same idempotency key.
  public static let sameKey = RetryClass(rawValue: "same_key")
  /// Later, after `afterMs` or with growing pauses.
  public static let backoff = RetryClass(rawValue: "backoff")
  /// After someone changed the request, the configuration or the storage.
  public static let afterFix = RetryClass(rawValue: "after_fix")
  /// After `activate_storage`.
  public static let afterActivate = RetryClass(rawValue: "after_activate")
  /// After the plugin was started again.
  public static let afterRestart = RetryClass(rawValue: "after_restart")
  /// Under a newly taken lock.
  public static let reacquire = RetryClass(rawValue: "reacquire")
  /// Ask again for the result of the running one.
  public static let poll = RetryClass(rawValue: "poll")
  /// With another name.
  public static let newName = RetryClass(rawValue: "new_name")
  /// From the first page.
  public static let restartList = RetryClass(rawValue: "restart_list")
}
