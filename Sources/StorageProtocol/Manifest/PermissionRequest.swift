// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// What a plugin wants to touch beyond its own directories, each with the reason it gives to the administrator.
///
/// What a running plugin really has is this ∩ the administrator's grant; nothing else is ever granted.
public struct PermissionRequest: Sendable, Hashable {
  /// Directories or files of the host, at the same path inside.
  public var files: [FileRequest]
  /// Services it may connect to; everything else is unreachable.
  public var endpoints: [EndpointRequest]
  /// The host's own network, instead of endpoints: as dangerous as it sounds.
  public var hostNetwork: HostNetworkRequest?
  /// Classes of device nodes.
  public var devices: [DeviceRequest]
  /// Privileged operations the host does for it.
  public var broker: [BrokerRequest]
  public var runtime: RuntimeRequest

  public init(
    files: [FileRequest] = [], endpoints: [EndpointRequest] = [], devices: [DeviceRequest] = [],
    broker: [BrokerRequest] = [], runtime: RuntimeRequest = RuntimeRequest()
  ) {
    self.files = files
    self.endpoints = endpoints
    self.hostNetwork = nil
    self.devices = devices
    self.broker = broker
    self.runtime = runtime
  }

  /// A directory or file of the host.
  public struct FileRequest: Sendable, Hashable {
    /// Absolute path; may be or hold a property of the configuration, such as `${config.path}`.
    public var path: PathTemplate
    public var access: AccessMode
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool

    public init(path: PathTemplate, access: AccessMode, reason: String, isOptional: Bool = false) {
      self.path = path
      self.access = access
      self.reason = reason
      self.isOptional = isOptional
    }
  }

  /// A TCP service.
  public struct EndpointRequest: Sendable, Hashable {
    /// Host name or address, or a property such as `${config.server}`.
    public var host: String
    /// Port number, or a property such as `${config.port}`.
    public var port: String
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool

    public init(host: String, port: String, reason: String, isOptional: Bool = false) {
      self.host = host
      self.port = port
      self.reason = reason
      self.isOptional = isOptional
    }
  }

  /// The network as the host has it.
  public struct HostNetworkRequest: Sendable, Hashable {
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool

    public init(reason: String, isOptional: Bool = false) {
      self.reason = reason
      self.isOptional = isOptional
    }
  }

  /// A class of device nodes.
  public struct DeviceRequest: Sendable, Hashable {
    /// `loop`, `lvm:<volume group>`, `by-id:<glob>`; may hold a property such as `lvm:${config.vgname}`.
    public var `class`: String
    public var access: AccessMode
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool

    public init(class: String, access: AccessMode, reason: String, isOptional: Bool = false) {
      self.class = `class`
      self.access = access
      self.reason = reason
      self.isOptional = isOptional
    }
  }

  /// A privileged operation the host does for the plugin.
  public struct BrokerRequest: Sendable, Hashable {
    /// A host service such as `host.mount`, or all of a family: `host.lvm.*`.
    public var operation: String
    /// Limits on its arguments, such as `{"vg": "${config.vgname}"}`.
    public var limits: [String: String]
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool

    public init(
      operation: String, limits: [String: String] = [:], reason: String, isOptional: Bool = false
    ) {
      self.operation = operation
      self.limits = limits
      self.reason = reason
      self.isOptional = isOptional
    }

    /// Whether the operation is the host service of that name or its family.
    public func covers(_ service: String) -> Bool {
      operation.hasSuffix(".*") ? service.hasPrefix(String(operation.dropLast())) : service == operation
    }
  }

  /// What the plugin's language and work need.
  public struct RuntimeRequest: Sendable, Hashable {
    /// A `/proc` with the plugin's own processes.
    public var procSelf = false
    /// Memory that is writable and executable (just-in-time compilers).
    public var jit = false
    /// The requests that make, snapshot and list btrfs subvolumes, on granted directories.
    public var btrfs = false
    /// Threads and child processes.
    public var threads = true
    /// Memory in bytes; nil takes the host's default.
    public var memoryMax: ByteCount?
    /// Processes and threads together; nil takes the host's default.
    public var pidsMax: Int?
    /// Space in the state directory in bytes; nil takes the host's default.
    public var stateSize: ByteCount?
    /// Space in `/tmp` in bytes; nil takes the host's default.
    public var tmpSize: ByteCount?

    public init() {}
  }

  /// Whether a host service may be called at all: those that touch nothing but the plugin's own always, broker
  /// operations when one is requested.
  public func allows(service: String) -> Bool {
    guard let method = MethodTable[service], method.annotations.direction == .pluginToHost else { return false }
    switch method.annotations.group {
    case "host-core", "host-locks", "host-journal": return true
    default: return broker.contains { $0.covers(service) }
    }
  }
}
