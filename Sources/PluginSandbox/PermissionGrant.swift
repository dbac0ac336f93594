// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// An administrator's consent for one storage: what may be used of what the plugin asked for, and the bundle it was
/// given for.
public struct PermissionGrant: Sendable, Hashable, JSONCodable {
  /// Digest over the bundle that the administrator saw.
  public var bundleDigest: String
  /// What that bundle asked for, in canonical form, templates unresolved: `fs rw ${config.path}`.
  public var requested: Set<String>
  /// What is granted of it; a line may be narrower than the request's (`fs ro …` for `fs rw …`, a smaller size).
  public var permissions: Set<String>

  public init(bundleDigest: String, requested: Set<String>? = nil, permissions: Set<String>) {
    self.bundleDigest = bundleDigest
    self.requested = requested ?? permissions
    self.permissions = permissions
  }

  /// Consent to everything that a manifest asks for.
  public init(everythingIn request: PermissionRequest, bundleDigest: String) {
    self.init(bundleDigest: bundleDigest, permissions: Set(Self.lines(of: request)))
  }

  public init(json: JSON, path: JSONPath) throws(JSONError) {
    let object = try json.object(at: path)
    bundleDigest = try object.required("bundleDigest", at: path)
    let lines: [String] = try object.required("permissions", at: path)
    permissions = Set(lines)
    let requested: [String] = try object.optional("requested", at: path) ?? lines
    self.requested = Set(requested)
  }

  public func json() -> JSON {
    var object = JSONObject()
    object["bundleDigest"] = .string(bundleDigest)
    object["requested"] = .array(requested.sorted().map { .string($0) })
    object["permissions"] = .array(permissions.sorted().map { .string($0) })
    return .object(object)
  }

  /// What a bundle asks for beyond what the administrator was shown: until there is consent the storage stays disabled.
  ///
  /// Whatever was shown and refused before is not asked for again.
  public func growth(_ request: PermissionRequest) -> [String] {
    let lines = Self.lines(of: request)
    var added = lines.filter { PermissionLine.effective($0, requested) != $0 }
    if requested.contains(PermissionLine.single), request.runtime.threads { added.append(PermissionLine.threads) }
    return added
  }

  /// What this bundle needs and is not (or not fully) granted.
  public func missing(_ request: PermissionRequest) -> [PermissionItem] {
    PermissionItem.all(of: request).filter { !$0.isOptional && effective($0.line) != $0.line }
  }

  /// The part of one requested line that is granted; nil when nothing of it is.
  public func effective(_ line: String) -> String? {
    // Granted unless it was taken back, which is noted as the plugin's promise would be.
    if line == PermissionLine.threads { return permissions.contains(PermissionLine.single) ? nil : line }
    return PermissionLine.effective(line, permissions)
  }

  /// The same consent after a change of the bundle that asks for no more: what is no longer asked for is forgotten.
  public func rebound(to request: PermissionRequest, bundleDigest: String) -> PermissionGrant {
    let lines = Self.lines(of: request)
    var granted = Set(lines.compactMap(effective))
    if permissions.contains(PermissionLine.single) { granted.insert(PermissionLine.single) }
    return PermissionGrant(bundleDigest: bundleDigest, requested: Set(lines), permissions: granted)
  }

  /// Whether a permission without templates is one of those that were agreed to, or narrower than one.
  public static func isAgreed(_ line: String, _ agreed: Set<String>) -> Bool {
    PermissionLine.effective(line, agreed) == line
  }

  /// Takes back whatever part of a line is granted, asked for or not.
  public mutating func forget(_ line: String) {
    permissions = permissions.filter { !PermissionLine.isSameThing($0, line) }
  }

  /// The lines that `line` is about in a request, or why there is none.
  private static func subject(_ line: String, of request: PermissionRequest) throws(SandboxError) -> String {
    var lines = lines(of: request)
    if request.runtime.threads { lines.append(PermissionLine.threads) }
    guard let subject = lines.first(where: { PermissionLine.isSameThing($0, line) }) else {
      throw SandboxError(
        .permissionRefused, "the plugin does not ask for \(line.debugDescription)",
        hint: lines.isEmpty ? "It asks for nothing" : "It asks for: " + lines.joined(separator: "; "))
    }
    return subject
  }

  /// Grants these lines, each one that the request holds or narrower than one.
  ///
  /// - Throws: ``SandboxError/Code/permissionRefused`` for a line that is not asked for, or wider than what is.
  public mutating func grant(_ lines: [String], of request: PermissionRequest) throws(SandboxError) {
    for line in lines {
      let subject = try Self.subject(line, of: request)
      guard PermissionLine.effective(subject, [line]) == line || subject == PermissionLine.threads else {
        throw SandboxError(
          .permissionRefused, "\(line.debugDescription) is more than the plugin asks for",
          hint: "It asks for: \(subject)")
      }
      permissions = permissions.filter { !PermissionLine.isSameThing($0, line) }
      if line != PermissionLine.threads { permissions.insert(line) }
    }
  }

  /// Takes these lines back, whatever part of them is granted.
  ///
  /// - Throws: ``SandboxError/Code/permissionRefused`` for a line that is not asked for.
  public mutating func revoke(_ lines: [String], of request: PermissionRequest) throws(SandboxError) {
    for line in lines {
      let subject = try Self.subject(line, of: request)
      permissions = permissions.filter { !PermissionLine.isSameThing($0, line) }
      if subject == PermissionLine.threads { permissions.insert(PermissionLine.single) }
    }
  }

  /// The part of a request that is granted.
  func intersection(_ request: PermissionRequest) -> PermissionRequest {
    var result = request
    result.files = request.files.compactMap { file in
      guard let line = effective(PermissionLine.of(file)) else { return nil }
      var file = file
      if line.hasPrefix("fs ro ") { file.access = .ro }
      return file
    }
    result.devices = request.devices.compactMap { device in
      guard let line = effective(PermissionLine.of(device)) else { return nil }
      var device = device
      if line.hasPrefix("device ro ") { device.access = .ro }
      return device
    }
    result.endpoints.removeAll { !permissions.contains(PermissionLine.of($0)) }
    if !permissions.contains(PermissionLine.hostNetwork) { result.hostNetwork = nil }
    result.broker.removeAll { !permissions.contains(PermissionLine.of($0)) }
    let runtime = request.runtime
    result.runtime.procSelf = runtime.procSelf && permissions.contains("runtime proc:self")
    result.runtime.jit = runtime.jit && permissions.contains("runtime jit")
    result.runtime.btrfs = runtime.btrfs && permissions.contains("runtime btrfs")
    result.runtime.threads = runtime.threads && !permissions.contains(PermissionLine.single)
    result.runtime.memoryMax = runtime.memoryMax.flatMap { granted("memory", UInt64($0)).map { ByteCount($0) } }
    result.runtime.pidsMax = runtime.pidsMax.flatMap { granted("processes", UInt64($0)).map { Int($0) } }
    result.runtime.tmpSize = runtime.tmpSize.flatMap { granted("tmp", UInt64($0)).map { ByteCount($0) } }
    result.runtime.stateSize = runtime.stateSize.flatMap { granted("state", UInt64($0)).map { ByteCount($0) } }
    return result
  }

  /// The size that is granted of one asked for; nil leaves the host's default.
  private func granted(_ name: String, _ asked: UInt64) -> UInt64? {
    effective("runtime \(name) \(asked)").flatMap { PermissionLine.size(in: $0)?.value }
  }

  /// The canonical lines of a request, sorted, for showing, consenting and comparing.
  public static func lines(of request: PermissionRequest) -> [String] {
    PermissionItem.all(of: request).map(\.line)
  }
}
