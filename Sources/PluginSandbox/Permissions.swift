// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a plugin may touch beyond its own standard streams, `/tmp` and `/state`.
///
/// The effective permissions of a running plugin are always the intersection of what its manifest requests and what the
/// administrator granted for that storage (``intersection(_:)``).
public struct Permissions: Sendable, Hashable {
  /// Directories or files of the host that appear at the same path inside.
  public var files: [FilePermission]
  public var network: NetworkPermission
  /// Classes of device nodes (`loop`, `lvm:<volume group>`, `by-id:<glob>`).
  public var devices: [DevicePermission]
  /// Host operations with the limits on their arguments (`host.mount`, `host.lvm.*`, …).
  public var broker: [BrokerPermission]
  public var runtime: RuntimePermission

  public init(
    files: [FilePermission] = [], network: NetworkPermission = .none, devices: [DevicePermission] = [],
    broker: [BrokerPermission] = [], runtime: RuntimePermission = RuntimePermission()
  ) {
    self.files = files
    self.network = network
    self.devices = devices
    self.broker = broker
    self.runtime = runtime
  }
}

/// Access to one directory or file of the host.
public struct FilePermission: Sendable, Hashable {
  public enum Access: String, Sendable, Hashable { case readOnly = "ro", readWrite = "rw" }
  /// An absolute path, or a template such as `${config.path}` before ``Permissions/resolved(config:)``.
  public var path: String
  public var access: Access
  /// Why the plugin wants it, in the vendor's words; shown to the administrator, never part of a comparison.
  public var reason: String

  public init(path: String, access: Access, reason: String = "") {
    self.path = path
    self.access = access
    self.reason = reason
  }
}

/// Which network a plugin reaches.
public enum NetworkPermission: Sendable, Hashable {
  /// An empty network namespace and no internet sockets.
  case none
  /// Exactly these `host:port`s, relayed by the host.
  case endpoints([NetworkEndpoint])
  /// The host's own network. Dangerous, and costs the score dearly.
  case host
}

/// One TCP service a plugin may connect to.
public struct NetworkEndpoint: Sendable, Hashable {
  /// A host name or address, or a template before resolution.
  public var host: String
  public var port: String
  public init(host: String, port: String) {
    self.host = host
    self.port = port
  }
}

/// Access to a class of device nodes.
public struct DevicePermission: Sendable, Hashable {
  public var deviceClass: String
  public var access: FilePermission.Access
  public init(deviceClass: String, access: FilePermission.Access) {
    self.deviceClass = deviceClass
    self.access = access
  }
}

/// A privileged operation that the host does for the plugin, within limits.
public struct BrokerPermission: Sendable, Hashable {
  /// A host service such as `host.mount`, or a family: `host.lvm.*`.
  public var operation: String
  /// Limits on its arguments by name, such as `vg`; what each means is in the documentation of the broker.
  public var limits: [String: String]

  public init(_ operation: String, limits: [String: String] = [:]) {
    self.operation = operation
    self.limits = limits
  }

  /// Whether the operation is the host service of that name or its family.
  public func covers(_ service: String) -> Bool {
    operation.hasSuffix(".*") ? service.hasPrefix(operation.dropLast()) : service == operation
  }
}

/// Switches and sizes a plugin's language runtime needs.
public struct RuntimePermission: Sendable, Hashable {
  /// A `/proc` that shows the plugin's own processes only.
  public var procSelf = false
  /// Writable and executable memory (just-in-time compilers).
  public var jit = false
  /// The ioctl requests that make, snapshot and list btrfs subvolumes.
  public var btrfs = false
  /// Threads and child processes (`fork`, running tools such as `qemu-img`).
  public var processes = true
  /// Overrides of the default limits; the administrator's grant caps them.
  public var memory: UInt64?
  public var processCount: UInt32?
  public var temporarySpace: UInt64?
  /// Size of the private, persistent `/state`, in bytes.
  public var stateSpace: UInt64?
  public init() {}
}
