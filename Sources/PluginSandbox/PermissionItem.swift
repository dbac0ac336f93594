// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// One permission that a manifest asks for, as administrators see, grant and revoke it.
public struct PermissionItem: Sendable, Hashable {
  /// The canonical form, templates unresolved: `fs rw ${config.path}`.
  public var line: String
  /// Why the plugin wants it, in the vendor's words; for `runtime`, where a manifest gives no reason, what it is.
  public var reason: String
  /// Whether the plugin works without it. Sizes always are: without one the host's default holds.
  public var isOptional: Bool
  /// What an administrator should know before granting it; nil where it is harmless beyond what it says.
  public var warning: String?

  /// Everything a manifest asks for, sorted by line.
  public static func all(of request: PermissionRequest) -> [PermissionItem] {
    var items = request.files.map { file in
      PermissionItem(line: PermissionLine.of(file), reason: file.reason, isOptional: file.isOptional)
    }
    items += request.endpoints.map { endpoint in
      PermissionItem(line: PermissionLine.of(endpoint), reason: endpoint.reason, isOptional: endpoint.isOptional)
    }
    if let network = request.hostNetwork {
      items.append(
        PermissionItem(
          line: PermissionLine.hostNetwork, reason: network.reason, isOptional: network.isOptional,
          warning: "the plugin reaches everything that this host reaches, its own loopback services among them"))
    }
    items += request.devices.map { device in
      PermissionItem(
        line: PermissionLine.of(device), reason: device.reason, isOptional: device.isOptional,
        warning: device.access == .rw ? "the plugin writes to devices without any file system between" : nil)
    }
    items += request.broker.map { broker in
      PermissionItem(line: PermissionLine.of(broker), reason: broker.reason, isOptional: broker.isOptional)
    }
    items += PermissionLine.runtime(of: request.runtime).map { line in
      PermissionItem(
        line: line, reason: PermissionLine.meaning(ofRuntime: line),
        isOptional: PermissionLine.size(in: line) != nil || line == PermissionLine.single)
    }
    return items.sorted { $0.line < $1.line }
  }

  /// ``all(of:)`` and what every plugin has that does not promise to do without it: threads and child processes.
  public static func shown(of request: PermissionRequest) -> [PermissionItem] {
    guard request.runtime.threads else { return all(of: request) }
    let line = PermissionLine.threads
    let threads = PermissionItem(line: line, reason: PermissionLine.meaning(ofRuntime: line), isOptional: true)
    return (all(of: request) + [threads]).sorted { $0.line < $1.line }
  }
}

extension PermissionRequest {
  /// The properties of the configuration that its permissions are made of, each with the first of these permissions.
  public var templateProperties: [String: String] {
    var properties: [String: String] = [:]
    for item in PermissionItem.all(of: self) {
      for name in PathTemplate(item.line)?.properties ?? [] where properties[name] == nil {
        properties[name] = item.line
      }
    }
    return properties
  }

  /// Those of its permissions that hold a property, with the configuration's values in place; where one is missing the
  /// permission is left out.
  public func resolvedTemplates(_ config: JSONObject) -> [String: String] {
    var resolved: [String: String] = [:]
    for item in PermissionItem.all(of: self) {
      guard let template = PathTemplate(item.line), !template.properties.isEmpty else { continue }
      resolved[item.line] = template.resolved(config, lists: true)
    }
    return resolved
  }
}

/// How permissions are written, and which written permission contains another.
enum PermissionLine {
  static let hostNetwork = "net host"
  /// A promise rather than a permission: neither threads nor child processes.
  static let single = "runtime single-process"
  /// What a plugin that promised ``single`` asks for when it takes the promise back.
  static let threads = "runtime threads"

  static func of(_ file: PermissionRequest.FileRequest) -> String {
    "fs \(file.access.rawValue) \(PermissionText.quoted(file.path.description))"
  }

  static func of(_ endpoint: PermissionRequest.EndpointRequest) -> String {
    "net tcp \(PermissionText.quoted("\(endpoint.host):\(endpoint.port)"))"
  }

  static func of(_ device: PermissionRequest.DeviceRequest) -> String {
    "device \(device.access.rawValue) \(PermissionText.quoted(device.class))"
  }

  static func of(_ broker: PermissionRequest.BrokerRequest) -> String {
    PermissionText.broker(broker.operation, broker.limits)
  }

  static func runtime(of runtime: PermissionRequest.RuntimeRequest) -> [String] {
    PermissionText.runtime(
      procSelf: runtime.procSelf, jit: runtime.jit, btrfs: runtime.btrfs, processes: runtime.threads,
      memory: runtime.memoryMax.map { UInt64($0) }, processCount: runtime.pidsMax.map { UInt64($0) },
      temporarySpace: runtime.tmpSize.map { UInt64($0) }, stateSpace: runtime.stateSize.map { UInt64($0) })
  }

  /// What a `runtime` line is about, for who is to decide on it.
  static func meaning(ofRuntime line: String) -> String {
    if let (name, _) = size(in: line) {
      return switch name {
      case "memory": "bytes of memory for all of it, instead of the host's default"
      case "processes": "processes and threads at a time, instead of the host's default"
      case "tmp": "bytes in its /tmp, instead of the host's default"
      default: "bytes in its state directory, instead of the host's default"
      }
    }
    return switch line {
    case "runtime proc:self": "a /proc with its own processes"
    case "runtime jit": "memory that is both writable and executable, for a just-in-time compiler"
    case "runtime btrfs": "making and listing btrfs subvolumes in directories that it may write"
    case single: "it promises to start neither threads nor other programs"
    default: "threads and child processes"
    }
  }

  /// The part of the `asked` line that `granted` allows, as a line; nil when it allows nothing of it.
  ///
  /// A read-only grant narrows a writable request, a smaller size a larger one; everything else is all or nothing.
  static func effective(_ asked: String, _ granted: Set<String>) -> String? {
    if granted.contains(asked) || asked == single { return asked }
    if let (kind, path) = access(in: asked) {
      let other = asked.hasPrefix("\(kind) rw ") ? "\(kind) ro \(path)" : "\(kind) rw \(path)"
      guard granted.contains(other) else { return nil }
      // A grant to write contains the request to read; a grant to read is what is left of a request to write.
      return asked.hasPrefix("\(kind) rw ") ? other : asked
    }
    if let (name, wanted) = size(in: asked) {
      let sizes = granted.compactMap { line in size(in: line).flatMap { $0.name == name ? $0.value : nil } }
      guard let allowed = sizes.max() else { return nil }
      return allowed >= wanted ? asked : "runtime \(name) \(allowed)"
    }
    return nil
  }

  /// The kind and the object of a permission that is read-only or writable.
  private static func access(in line: String) -> (kind: Substring, object: Substring)? {
    let parts = line.split(separator: " ", maxSplits: 2)
    guard parts.count == 3, ["fs", "device"].contains(parts[0]), ["ro", "rw"].contains(parts[1]) else { return nil }
    return (parts[0], parts[2])
  }

  /// The name and the value of a permission that is a size.
  static func size(in line: String) -> (name: Substring, value: UInt64)? {
    let parts = line.split(separator: " ")
    guard parts.count == 3, parts[0] == "runtime", let value = UInt64(parts[2]) else { return nil }
    return (parts[1], value)
  }

  /// Whether two lines are about the same thing: the same directory, the same size, …
  static func isSameThing(_ one: String, _ other: String) -> Bool {
    if one == other { return true }
    if let mine = access(in: one), let its = access(in: other) { return mine == its }
    if let mine = size(in: one), let its = size(in: other) { return mine.name == its.name }
    return Set([one, other]) == [single, threads]
  }
}
