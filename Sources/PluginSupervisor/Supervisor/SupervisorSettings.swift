// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import PluginSandbox
public import StorageProtocol

/// Where a supervisor keeps its instances' directories, and how it confines them.
public struct SupervisorSettings: Sendable {
  /// Holds `<storeid>/` (`_<plugin>/` for a shared process) for each instance: its private state, which survives restarts.
  public var stateDirectory: String
  /// Holds `<storeid>/streams/` for each instance.
  public var runDirectory: String
  /// Who the host says it is.
  public var host: HostInfo
  /// How plugins are confined.
  public var mode: LaunchPlan.Mode
  /// Layers without which nothing starts; nil takes the mode's own.
  public var required: SandboxLayers?
  /// Limits of an instance before its permissions change them.
  public var limits = ResourceLimits()
  /// Prepares and takes away what the broker shows to plugins; nil: there is no broker.
  public var broker: (any BrokerPlaces)?
  /// Keeps copies of bundles that have proved good; nil: a plugin whose bundle is gone cannot start again.
  public var copies: BundleStore?
  /// Changes the defaults of every instance, such as times and restart policy.
  public var adjust: @Sendable (inout InstanceConfiguration) -> Void = { _ in }

  public init(stateDirectory: String, runDirectory: String, host: HostInfo, mode: LaunchPlan.Mode) {
    self.stateDirectory = stateDirectory
    self.runDirectory = runDirectory
    self.host = host
    self.mode = mode
  }
}

/// One storage as the supervisor needs it.
public struct SupervisedStorage: Sendable {
  public var bundle: PluginBundle
  public var storeid: String
  /// Its type; one of the bundle's.
  public var type: String
  /// What the administrator granted of what the manifest asks for, with the configuration's values in place.
  public var permissions: Permissions

  public init(bundle: PluginBundle, storeid: String, type: String, permissions: Permissions) {
    self.bundle = bundle
    self.storeid = storeid
    self.type = type
    self.permissions = permissions
  }

  /// Whether one process serves all storages of its plugin.
  public var isShared: Bool { bundle.manifest.process == .perPlugin }

  /// Sensitive properties of its type.
  var secretNames: Set<String> { bundle.manifest.storageType(type)?.sensitiveProperties ?? [] }

  /// Host services that only a broker can do.
  var brokerServices: Set<String> {
    Set(
      MethodTable.hostServices.map(\.name).filter { name in
        bundle.manifest.permissions.broker.contains { $0.covers(name) }
      })
  }

  /// Those of them that the plugin works without.
  var optionalServices: Set<String> {
    brokerServices.filter { name in
      bundle.manifest.permissions.broker.allSatisfy { $0.isOptional || !$0.covers(name) }
    }
  }

  /// Host services its manifest may use: what touches only its own things, and granted broker operations.
  var hostServices: Set<String> {
    Set(
      MethodTable.hostServices.map(\.name).filter { name in
        guard bundle.manifest.permissions.allows(service: name) else { return false }
        let isBroker = bundle.manifest.permissions.broker.contains { $0.covers(name) }
        return !isBroker || permissions.broker.contains { $0.covers(name) }
      })
  }
}
