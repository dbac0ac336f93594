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

  public init(set: JSONObject = [:], delete: [String] = [], secrets: [String: Secret] = [:]) {
    self.set = set
    self.delete = delete
    self.secrets = secrets
  }

  /// No changes.
  public static let none = HookResult()
}
