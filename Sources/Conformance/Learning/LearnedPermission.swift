// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox

/// One permission that a plugin turned out to need.
public struct LearnedPermission: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// A path, or a template whose `${config.path}` is the directory of each bench.
    case file(String, writes: Bool)
    /// `shown` is what the manifest should say: a template where a property of the configuration holds the host.
    case endpoint(host: String, port: UInt16, shown: String)
    /// A name that was looked up; what it is wanted for shows once it leads somewhere.
    case name(String)
    case device(String, writes: Bool)
    case broker(String)
    case procSelf, jit, threads, btrfs
  }

  var kind: Kind
  /// What was seen, a few of the cases.
  public internal(set) var evidence: [String]

  /// Whether it is only a step on the way to another.
  var isProvisional: Bool { if case .name = kind { true } else { false } }

  /// The canonical form, as administrators grant it.
  public var line: String {
    switch kind {
    case .file(let path, let writes): "fs \(writes ? "rw" : "ro") \(path)"
    case .endpoint(_, let port, let shown): "net tcp \(shown):\(port)"
    case .name(let name): "net tcp \(name):?"
    case .device(let name, let writes): "device \(writes ? "rw" : "ro") \(name)"
    case .broker(let operation): "broker \(operation)"
    case .procSelf: "runtime proc:self"
    case .jit: "runtime jit"
    case .threads: "runtime threads"
    case .btrfs: "runtime btrfs"
    }
  }

  /// Where it goes in a manifest's `permissions`, and what goes there.
  var member: (place: [String], value: JSON) {
    let reason: JSON = "say here why the plugin needs it"
    switch kind {
    case .file(let path, let writes):
      return (["fs"], ["path": .string(path), "access": writes ? "rw" : "ro", "reason": reason])
    case .endpoint(_, let port, let shown):
      return (["net", "endpoints"], ["host": .string(shown), "port": .int(Int64(port)), "reason": reason])
    case .name(let name):
      return (["net", "endpoints"], ["host": .string(name), "port": nil, "reason": reason])
    case .device(let name, let writes):
      return (["device"], ["class": .string(name), "access": writes ? "rw" : "ro", "reason": reason])
    case .broker(let operation): return (["broker"], ["operation": .string(operation), "reason": reason])
    case .procSelf: return (["runtime", "procSelf"], true)
    case .jit: return (["runtime", "jit"], true)
    case .threads: return (["runtime", "threads"], true)
    case .btrfs: return (["runtime", "btrfs"], true)
    }
  }

  /// Grants it to a plan, for trial.
  func add(to permissions: inout Permissions, path bench: String) {
    switch kind {
    case .file(let text, let writes):
      let path = text.hasPrefix("${config.path}") ? bench + text.dropFirst("${config.path}".count) : text
      // A wider grant covers it already; a writable one takes the place of read-only ones below it.
      let covers = permissions.files.contains { file in
        PathPolicy.isBeneath(path, file.path) && (file.access == .readWrite || !writes)
      }
      if covers { return }
      if writes { permissions.files.removeAll { PathPolicy.isBeneath($0.path, path) } }
      permissions.files.append(FilePermission(path: path, access: writes ? .readWrite : .readOnly))
    case .endpoint(let host, let port, _): add(NetworkEndpoint(host: host, port: String(port)), to: &permissions)
    // Any port gives the name an address inside, and the address shows which port is wanted.
    case .name(let name): add(NetworkEndpoint(host: name, port: "1"), to: &permissions)
    case .device(let name, let writes):
      permissions.devices.append(DevicePermission(deviceClass: name, access: writes ? .readWrite : .readOnly))
    case .broker: break
    case .procSelf: permissions.runtime.procSelf = true
    case .jit: permissions.runtime.jit = true
    case .threads: permissions.runtime.processes = true
    case .btrfs: permissions.runtime.btrfs = true
    }
  }

  private func add(_ endpoint: NetworkEndpoint, to permissions: inout Permissions) {
    switch permissions.network {
    case .host: break
    case .none: permissions.network = .endpoints([endpoint])
    case .endpoints(let known):
      if !known.contains(endpoint) { permissions.network = .endpoints(known + [endpoint]) }
    }
  }
}
