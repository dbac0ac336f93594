// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What a plugin's configuration hook wants changed in a draft.
public struct HookResult: Sendable {
  /// Properties to set, fixed ones allowed.
  public var set: JSONObject
  /// Properties to delete.
  public var delete: [String]
  /// Sensitive properties the plugin made, such as a key.
  public var secrets: [String: Secret]
  /// Properties that the plugin may neither set nor change nor delete, each with the permission that is made of it.
  public var granted: [String: String]

  public init(
    set: JSONObject = [:], delete: [String] = [], secrets: [String: Secret] = [:], granted: [String: String] = [:]
  ) {
    self.set = set
    self.delete = delete
    self.secrets = secrets
    self.granted = granted
  }

  /// No changes.
  public static let none = HookResult()
}
