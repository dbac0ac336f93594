// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

extension Permissions {
  /// What a manifest asks for and the administrator granted, with the storage's configuration filled in.
  ///
  /// - Parameters:
  ///   - request: the manifest's request.
  ///   - grant: the administrator's consent; what it does not hold is left out.
  ///   - config: the storage's configuration, for `${config.…}`.
  ///   - protected: further places of the host that may not be granted, as in ``PathPolicy/check(_:protected:mounts:)``.
  /// - Throws: ``SandboxError/Code/permissionRefused`` for a property that is missing or a path that may never be granted.
  public init(
    _ request: PermissionRequest, grant: PermissionGrant, config: JSONObject, protected: [String] = []
  ) throws(SandboxError) {
    let effective = grant.intersection(request)
    self.init()
    let mounts = HostMounts.current()
    for file in effective.files {
      let path = try Self.resolve(file.path, config, "fs")
      let permission = FilePermission(
        path: path, access: file.access == .rw ? .readWrite : .readOnly, reason: file.reason)
      try PathPolicy.check(permission, protected: protected, mounts: mounts)
      files.append(permission)
    }
    var endpoints: [NetworkEndpoint] = []
    for endpoint in effective.endpoints {
      endpoints.append(
        NetworkEndpoint(
          host: try Self.resolve(endpoint.host, config, "net"), port: try Self.resolve(endpoint.port, config, "net")))
    }
    if !endpoints.isEmpty { network = .endpoints(endpoints) }
    if effective.hostNetwork != nil { network = .host }
    for device in effective.devices {
      devices.append(
        DevicePermission(
          deviceClass: try Self.resolve(device.class, config, "device", as: Self.literal),
          access: device.access == .rw ? .readWrite : .readOnly))
    }
    for operation in effective.broker {
      var limits: [String: String] = [:]
      for (name, text) in operation.limits {
        // Nothing in its place would be another pattern, or the next word of a template where this one was meant.
        if let empty = PathTemplate(text)?.properties.first(where: { config[$0] == "" }) {
          throw SandboxError(
            .permissionRefused, "the limit \(name) of \(operation.operation) needs the storage property \(empty)",
            hint: "Set the property on the storage")
        }
        limits[name] = try Self.resolve(
          text, config, "broker", lists: !operation.covers(HostExec.name), as: Self.literal)
      }
      broker.append(BrokerPermission(operation.operation, limits: limits))
    }
    runtime.procSelf = effective.runtime.procSelf
    runtime.jit = effective.runtime.jit
    runtime.btrfs = effective.runtime.btrfs
    runtime.processes = effective.runtime.threads
    runtime.memory = effective.runtime.memoryMax.map { UInt64($0) }
    runtime.processCount = effective.runtime.pidsMax.map { UInt32(clamping: $0) }
    runtime.temporarySpace = effective.runtime.tmpSize.map { UInt64($0) }
    runtime.stateSpace = effective.runtime.stateSize.map { UInt64($0) }
  }

  /// A value of the configuration within a pattern or template: it stands for itself, whatever is in it. `*`, `,` and
  /// braces mean nothing there, a blank begins no word, and a hyphen in front no option.
  static func literal(_ value: String) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
      if "\\*?,{} ".unicodeScalars.contains(scalar) || (scalar == "-" && result.isEmpty) {
        result.unicodeScalars.append("\\")
      }
      result.unicodeScalars.append(scalar)
    }
    return result
  }

  private static func resolve(
    _ text: String, _ config: JSONObject, _ kind: String, lists: Bool = false, as form: (String) -> String = { $0 }
  ) throws(SandboxError) -> String {
    guard let template = PathTemplate(text) else {
      throw SandboxError(.permissionRefused, "\(text.debugDescription) in a \(kind) permission is no valid template")
    }
    return try resolve(template, config, kind, lists: lists, as: form)
  }

  private static func resolve(
    _ template: PathTemplate, _ config: JSONObject, _ kind: String, lists: Bool = false,
    as form: (String) -> String = { $0 }
  ) throws(SandboxError) -> String {
    // `pre-${config.names}` with a list would let in names without that beginning.
    let isAlone = lists ? Set(template.standalone) : []
    if let list = template.properties.first(where: { config[$0]?.arrayValue != nil && !isAlone.contains($0) }) {
      throw SandboxError(
        .permissionRefused, "the \(kind) permission \(template) has no place for the list in the property \(list)",
        hint: "Only a limit of a broker operation takes one, where ${config.\(list)} stands by itself or between commas"
      )
    }
    if let text = template.resolved(config, lists: lists, as: form) { return text }
    let missing = template.properties.filter {
      config[$0] == nil || config[$0]?.arrayValue.map { $0.isEmpty || $0.contains("") } == true
    }
    throw SandboxError(
      .permissionRefused,
      "the \(kind) permission \(template) needs the storage property \(missing.joined(separator: ", "))",
      hint: "Set the property on the storage")
  }
}

extension Permissions: CustomStringConvertible {
  /// One line a permission, sorted, control characters escaped: the form shown and compared everywhere.
  public var lines: [String] {
    var lines = files.map { "fs \($0.access.rawValue) \(PermissionText.quoted($0.path))" }
    switch network {
    case .none: break
    case .host: lines.append("net host")
    case .endpoints(let endpoints):
      lines += endpoints.map { "net tcp \(PermissionText.quoted("\($0.host):\($0.port)"))" }
    }
    lines += devices.map { "device \($0.access.rawValue) \(PermissionText.quoted($0.deviceClass))" }
    lines += broker.map { PermissionText.broker($0.operation, $0.limits) }
    lines += PermissionText.runtime(
      procSelf: runtime.procSelf, jit: runtime.jit, btrfs: runtime.btrfs, processes: runtime.processes,
      memory: runtime.memory, processCount: runtime.processCount.map { UInt64($0) },
      temporarySpace: runtime.temporarySpace, stateSpace: runtime.stateSpace)
    return lines.sorted()
  }

  public var description: String { lines.joined(separator: "\n") }
}

/// How permissions are written down.
enum PermissionText {
  /// The text itself when it is plain, else with everything that could mislead a reader escaped.
  static func quoted(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 0x20 && $0.value != 0x7F && $0 != "\"" }
    return plain && !text.isEmpty ? text : text.debugDescription
  }

  static func broker(_ operation: String, _ limits: [String: String]) -> String {
    let limits = limits.sorted { $0.key < $1.key }.map { " \($0.key)=\(quoted($0.value))" }
    return "broker \(quoted(operation))" + limits.joined()
  }

  static func runtime(
    procSelf: Bool, jit: Bool, btrfs: Bool, processes: Bool, memory: UInt64?, processCount: UInt64?,
    temporarySpace: UInt64?, stateSpace: UInt64?
  ) -> [String] {
    var lines: [String] = []
    if procSelf { lines.append("runtime proc:self") }
    if jit { lines.append("runtime jit") }
    if btrfs { lines.append("runtime btrfs") }
    if !processes { lines.append("runtime single-process") }
    if let memory { lines.append("runtime memory \(memory)") }
    if let processCount { lines.append("runtime processes \(processCount)") }
    if let temporarySpace { lines.append("runtime tmp \(temporarySpace)") }
    if let stateSpace { lines.append("runtime state \(stateSpace)") }
    return lines
  }
}
