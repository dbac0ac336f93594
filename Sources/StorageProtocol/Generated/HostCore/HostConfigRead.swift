// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// The storage's configuration as it is now.
public enum HostConfigRead: StorageMethod {
  public static let name = "host.config.read"
  public static let annotations = MethodAnnotations(
    direction: .pluginToHost,
    group: "host-core",
    summary: "The storage's configuration as it is now.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "host-core",
    errors: [.invalidParams, .internalError, .hostDenied, .overloaded, .cancelled, .deadlineExceeded])

  /// Arguments of `host.config.read`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Id of the request, from the host, that this call serves; its deadline holds here too.
    public var parent: Int64

    public init(parent: Int64) {
      self.parent = parent
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.parent = try object.integer("parent", 0...Int64.max, at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(1)
      object.appendNew("parent", .int(parent))
      return .object(object)
    }
  }

  /// What `host.config.read` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The configuration.
    public var scfg: JSONObject
    /// Digest of the file it stands in.
    public var digest: String?

    public init(scfg: JSONObject, digest: String? = nil) {
      self.scfg = scfg
      self.digest = digest
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.scfg = try object.required("scfg", at: path)
      self.digest = try object.optionalText("digest", .length(0...64), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(2)
      object.appendNew("scfg", .object(scfg))
      if let digest { object.appendNew("digest", .string(digest)) }
      return .object(object)
    }
  }
}
