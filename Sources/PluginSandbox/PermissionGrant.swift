// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import StorageProtocol

/// An administrator's consent for one storage: what may be used, and the bundle it was given for.
public struct PermissionGrant: Sendable, Hashable, JSONCodable {
  /// SHA-256 of the bundle's executable that the administrator saw.
  public var bundleDigest: String
  /// Granted permissions in canonical form, templates unresolved: `fs rw ${config.path}`.
  public var permissions: Set<String>

  public init(bundleDigest: String, permissions: Set<String>) {
    self.bundleDigest = bundleDigest
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
  }

  public func json() -> JSON {
    var object = JSONObject()
    object["bundleDigest"] = .string(bundleDigest)
    object["permissions"] = .array(permissions.sorted().map { .string($0) })
    return .object(object)
  }

  /// What a new release of a bundle changes against this consent.
  public enum Review: Sendable, Hashable {
    /// The same bundle, or one that asks for nothing new.
    case covered
    /// The bundle asks for more: the storage stays disabled until the administrator consents to these lines.
    case needsConsent(added: [String])
  }

  /// Compares a bundle's request with this consent. A permission that was refused before is not asked for again by the
  /// same bundle.
  public func review(_ request: PermissionRequest, bundleDigest: String) -> Review {
    if bundleDigest == self.bundleDigest { return .covered }
    let added = Self.lines(of: request).filter { !permissions.contains($0) }
    return added.isEmpty ? .covered : .needsConsent(added: added)
  }

  /// The part of a request that is granted.
  func intersection(_ request: PermissionRequest) -> PermissionRequest {
    var result = request
    result.files.removeAll { !permissions.contains(Self.line($0)) }
    result.endpoints.removeAll { !permissions.contains(Self.line($0)) }
    result.devices.removeAll { !permissions.contains(Self.line($0)) }
    result.broker.removeAll { !permissions.contains(Self.line($0)) }
    let runtime = request.runtime
    result.runtime.procSelf = runtime.procSelf && permissions.contains("runtime proc:self")
    result.runtime.jit = runtime.jit && permissions.contains("runtime jit")
    result.runtime.btrfs = runtime.btrfs && permissions.contains("runtime btrfs")
    if let memory = runtime.memoryMax, !permissions.contains("runtime memory \(memory)") {
      result.runtime.memoryMax = nil
    }
    if let count = runtime.pidsMax, !permissions.contains("runtime processes \(count)") { result.runtime.pidsMax = nil }
    if let size = runtime.tmpSize, !permissions.contains("runtime tmp \(size)") { result.runtime.tmpSize = nil }
    if let size = runtime.stateSize, !permissions.contains("runtime state \(size)") { result.runtime.stateSize = nil }
    return result
  }

  /// The canonical lines of a request, sorted, for showing, consenting and comparing.
  public static func lines(of request: PermissionRequest) -> [String] {
    var lines = request.files.map(line) + request.endpoints.map(line)
    lines += request.devices.map(line)
    lines += request.broker.map(line)
    let runtime = request.runtime
    lines += PermissionText.runtime(
      procSelf: runtime.procSelf, jit: runtime.jit, btrfs: runtime.btrfs, processes: runtime.threads,
      memory: runtime.memoryMax.map { UInt64($0) }, processCount: runtime.pidsMax.map { UInt64($0) },
      temporarySpace: runtime.tmpSize.map { UInt64($0) }, stateSpace: runtime.stateSize.map { UInt64($0) })
    return lines.sorted()
  }

  private static func line(_ file: PermissionRequest.FileRequest) -> String {
    "fs \(file.access.rawValue) \(PermissionText.quoted(file.path.description))"
  }

  private static func line(_ endpoint: PermissionRequest.EndpointRequest) -> String {
    "net tcp \(PermissionText.quoted("\(endpoint.host):\(endpoint.port)"))"
  }

  private static func line(_ device: PermissionRequest.DeviceRequest) -> String {
    "device \(device.access.rawValue) \(PermissionText.quoted(device.class))"
  }

  private static func line(_ broker: PermissionRequest.BrokerRequest) -> String {
    PermissionText.broker(broker.operation, broker.limits)
  }
}
