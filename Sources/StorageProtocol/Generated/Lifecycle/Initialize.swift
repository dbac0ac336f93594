// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// Agrees on versions, limits and facts; the first request of every session.
///
/// The host sends ranges, the plugin answers with its choice. A compatible plugin of another age is normal and nobody
/// is told. When nothing is common the answer is UNSUPPORTED_PROTOCOL with both ranges. What the plugin says here must
/// agree with its manifest.
public enum Initialize: StorageMethod {
  public static let name = "initialize"
  public static let annotations = MethodAnnotations(
    direction: .hostToPlugin,
    group: "lifecycle",
    summary: "Agrees on versions, limits and facts; the first request of every session.",
    mutating: false,
    idempotent: true,
    lock: .none,
    defaultTimeout: .milliseconds(10_000),
    capability: "lifecycle",
    errors: [.unsupportedProtocol, .invalidParams, .internalError])

  /// Arguments of `initialize`.
  public struct Params: JSONCodable, Sendable, Hashable {
    /// Protocol versions the host speaks.
    public var protocolVersions: ProtocolVersionRange
    /// Method profiles the host knows, by name: `pve-storage` follows the version numbers of Proxmox VE's plugin API.
    public var profiles: [String: ProfileRange]
    /// Who the host is.
    public var host: HostInfo
    /// `host.*` methods this plugin may call; all others answer HOST_DENIED.
    public var hostServices: [String]
    /// What the host accepts from the plugin.
    public var limits: WireLimits
    /// Stream transports the host offers.
    public var streams: [StreamTransport]
    /// Which run this is.
    public var session: SessionInfo
    /// The storage this process serves; absent when one process serves all storages of the plugin.
    public var storeid: String?
    /// The storage's type; present with `storeid`.
    public var storageType: String?
    /// Directory that survives restarts.
    public var stateDir: String?
    /// Directory that does not.
    public var tmpDir: String?
    /// W3C trace context.
    public var traceparent: String?

    public init(
      protocolVersions: ProtocolVersionRange, profiles: [String: ProfileRange], host: HostInfo, hostServices: [String],
      limits: WireLimits, streams: [StreamTransport], session: SessionInfo, storeid: String? = nil,
      storageType: String? = nil, stateDir: String? = nil, tmpDir: String? = nil, traceparent: String? = nil
    ) {
      self.protocolVersions = protocolVersions
      self.profiles = profiles
      self.host = host
      self.hostServices = hostServices
      self.limits = limits
      self.streams = streams
      self.session = session
      self.storeid = storeid
      self.storageType = storageType
      self.stateDir = stateDir
      self.tmpDir = tmpDir
      self.traceparent = traceparent
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.protocolVersions = try object.required("protocol", at: path)
      self.profiles = try object.required("profiles", at: path)
      self.host = try object.required("host", at: path)
      self.hostServices = try object.texts("hostServices", .length(0...64), upTo: 256, at: path)
      self.limits = try object.required("limits", at: path)
      self.streams = try object.list("streams", upTo: 16, at: path)
      self.session = try object.required("session", at: path)
      self.storeid = try object.optionalText("storeid", .storageId, at: path)
      self.storageType = try object.optionalText("storageType", .length(1...64), at: path)
      self.stateDir = try object.optionalText("stateDir", .absolutePath, at: path)
      self.tmpDir = try object.optionalText("tmpDir", .absolutePath, at: path)
      self.traceparent = try object.optionalText("traceparent", .length(0...128), at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(12)
      object.appendNew("protocol", protocolVersions.json())
      object.appendNew("profiles", profiles.json())
      object.appendNew("host", host.json())
      object.appendNew("hostServices", hostServices.json())
      object.appendNew("limits", limits.json())
      object.appendNew("streams", streams.json())
      object.appendNew("session", session.json())
      if let storeid { object.appendNew("storeid", .string(storeid)) }
      if let storageType { object.appendNew("storageType", .string(storageType)) }
      if let stateDir { object.appendNew("stateDir", .string(stateDir)) }
      if let tmpDir { object.appendNew("tmpDir", .string(tmpDir)) }
      if let traceparent { object.appendNew("traceparent", .string(traceparent)) }
      return .object(object)
    }
  }

  /// What `initialize` answers.
  public struct Result: JSONCodable, Sendable, Hashable {
    /// The version chosen: the highest both sides speak.
    public var protocolVersion: ProtocolVersion
    /// The version chosen of each profile both sides know.
    public var profiles: [String: Int]?
    /// Who the plugin is.
    public var plugin: PluginInfo
    /// Methods it implements; must equal the manifest's.
    public var methods: [String]
    /// How many requests it takes at once; must equal the manifest's.
    public var concurrency: Concurrency
    /// What it does with fencing tokens; must equal the manifest's.
    public var fencing: Fencing
    /// What the plugin accepts from the host.
    public var limits: WireLimits?
    /// Extensions by reverse-DNS name; unknown ones are ignored.
    public var capabilities: JSONObject?

    public init(
      protocolVersion: ProtocolVersion, plugin: PluginInfo, methods: [String], concurrency: Concurrency,
      fencing: Fencing, profiles: [String: Int]? = nil, limits: WireLimits? = nil, capabilities: JSONObject? = nil
    ) {
      self.protocolVersion = protocolVersion
      self.profiles = profiles
      self.plugin = plugin
      self.methods = methods
      self.concurrency = concurrency
      self.fencing = fencing
      self.limits = limits
      self.capabilities = capabilities
    }

    public init(json: JSON, path: JSONPath) throws(JSONError) {
      let object = try json.object(at: path)
      self.protocolVersion = try object.required("protocol", at: path)
      self.profiles = try object.optionalIntegerMap("profiles", 1...100_000, at: path)
      self.plugin = try object.required("plugin", at: path)
      self.methods = try object.texts("methods", .length(1...64), upTo: 512, at: path)
      self.concurrency = try object.required("concurrency", at: path)
      self.fencing = try object.required("fencing", at: path)
      self.limits = try object.optional("limits", at: path)
      self.capabilities = try object.optional("capabilities", at: path)
    }

    public func json() -> JSON {
      var object = JSONObject()
      object.reserveCapacity(8)
      object.appendNew("protocol", protocolVersion.json())
      if let profiles { object.appendNew("profiles", profiles.json()) }
      object.appendNew("plugin", plugin.json())
      object.appendNew("methods", methods.json())
      object.appendNew("concurrency", concurrency.json())
      object.appendNew("fencing", fencing.json())
      if let limits { object.appendNew("limits", limits.json()) }
      if let capabilities { object.appendNew("capabilities", .object(capabilities)) }
      return .object(object)
    }
  }
}
