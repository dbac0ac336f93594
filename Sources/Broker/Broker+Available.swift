// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import PluginSandbox
internal import StorageProtocol

/// What can be done at all where this launcher runs.
extension Broker {
  /// Those of the services whose workers the launcher cannot start: it lacks their capabilities, or `berth-broker`.
  /// Asks the launcher; one that does not answer withholds nothing, for whoever calls then is told why.
  public func unavailable(of services: Set<String>) async -> Set<String> {
    do throws(SandboxError) {
      let operations = try await launcher.probe().operations
      return services.filter { !Self.operations(of: $0).isSubset(of: operations) }
    } catch {
      logger.warning("cannot ask the launcher what the broker can do: \(error)")
      return []
    }
  }

  /// The operations that serve a method of the protocol; empty for what is no service of the broker.
  static func operations(of method: String) -> Set<BrokerOperation.Kind> {
    switch method {
    case HostMount.name: [.prepare, .dismiss, .mountLocal, .mountRemote, .unmount]
    case HostUnmount.name: [.unmount]
    case HostLoopAttach.name, HostLoopDetach.name: [.loopAttach, .loopDetach]
    case HostDeviceOpen.name: [.prepare, .dismiss, .deviceFind, .deviceOpen, .deviceClose]
    case HostExec.name: [.exec]
    case HostBtrfsSend.name: [.btrfsSend]
    case HostBtrfsReceive.name: [.btrfsReceive, .btrfs]
    case HostBlockAttach.name, HostBlockDetach.name: [.deviceFind, .nvmeAttach, .nvmeDetach, .iscsi]
    case _ where method.hasPrefix("host.lvm."): [.lvm]
    case _ where method.hasPrefix("host.btrfs.subvolume."): [.btrfs]
    default: []
    }
  }
}
