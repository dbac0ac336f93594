// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The host has accepted the plugin's answer to `initialize`; requests follow.
public enum Initialized: StorageNotification {
  public static let name = "initialized"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "lifecycle",
    summary: "The host has accepted the plugin's answer to `initialize`; requests follow.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "lifecycle",
    errors: [])

  /// Arguments of `initialized`.
  public struct Params: JSONCodable, Sendable, Hashable {
    public init() {}

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      _ = try json.object(at: path)
    }

    public func json() -> JSON {
      .object(JSONObject())
    }
  }
}
