// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox

extension Permissions {
  /// What two storages of one shared process were granted together.
  func union(_ other: Permissions) -> Permissions {
    var all = self
    for file in other.files {
      if let place = all.files.firstIndex(where: { $0.path == file.path }) {
        if file.access == .readWrite { all.files[place].access = .readWrite }
      } else {
        all.files.append(file)
      }
    }
    all.network =
      switch (network, other.network) {
      case (.host, _), (_, .host): .host
      case (.none, let only), (let only, .none): only
      case (.endpoints(let mine), .endpoints(let theirs)): .endpoints(mine + theirs.filter { !mine.contains($0) })
      }
    for device in other.devices where !all.devices.contains(device) { all.devices.append(device) }
    for operation in other.broker where !all.broker.contains(operation) { all.broker.append(operation) }
    all.runtime.procSelf = runtime.procSelf || other.runtime.procSelf
    all.runtime.jit = runtime.jit || other.runtime.jit
    all.runtime.btrfs = runtime.btrfs || other.runtime.btrfs
    all.runtime.processes = runtime.processes || other.runtime.processes
    all.runtime.memory = [runtime.memory, other.runtime.memory].compactMap(\.self).max()
    all.runtime.processCount = [runtime.processCount, other.runtime.processCount].compactMap(\.self).max()
    all.runtime.temporarySpace = [runtime.temporarySpace, other.runtime.temporarySpace].compactMap(\.self).max()
    all.runtime.stateSpace = [runtime.stateSpace, other.runtime.stateSpace].compactMap(\.self).max()
    return all
  }

  /// The same in an order that does not depend on who was granted what first: for comparing.
  var ordered: Permissions {
    var all = self
    all.files.sort { $0.path < $1.path }
    if case .endpoints(let endpoints) = network {
      all.network = .endpoints(endpoints.sorted { ($0.host, $0.port) < ($1.host, $1.port) })
    }
    all.devices.sort { ($0.deviceClass, $0.access.rawValue) < ($1.deviceClass, $1.access.rawValue) }
    all.broker.sort { ($0.operation, $0.limits.description) < ($1.operation, $1.limits.description) }
    return all
  }

  /// Whether mounts or device nodes may have to appear while the plugin runs. Those that it works without are not
  /// waited for where nobody can make them.
  func needsBrokerDirectory(without optional: Set<String>, _ places: any BrokerPlaces) async -> Bool {
    let wanted = Set(["host.mount", "host.device.open"].filter { name in broker.contains { $0.covers(name) } })
    if wanted.isEmpty { return false }
    if !wanted.isSubset(of: optional) { return true }
    return await places.unavailable(of: wanted) != wanted
  }
}
