// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

/// The grants of one client that cover one service, and the limits they set.
struct GrantedService: Sendable {
  let method: String
  let client: BrokerClient
  private let grants: [BrokerPermission]

  /// - Throws: HOST_DENIED when no grant covers the service.
  init(_ method: String, _ client: BrokerClient) throws(StorageError) {
    self.method = method
    self.client = client
    grants = client.permissions.broker.filter { $0.covers(method) }
    if grants.isEmpty {
      throw .denied(
        "\(method) is not granted to plugin \(client.plugin) for storage '\(client.storeid)'",
        hint: "the manifest must ask for it and an administrator agree")
    }
    for grant in grants {
      // Manifests with such are refused when they are read; nothing may hang on that.
      if let problem = BrokerLimits.problems(grant.operation, grant.limits).first {
        throw .denied("\(method): the limit \(ForeignText.quoted(problem.name)) \(problem.text)")
      }
    }
  }

  /// The first grant whose limits all admit the values; a limit that the service knows and the grant does not set
  /// refuses when it is in `required`, else admits anything.
  ///
  /// - Parameter values: an argument that the caller left out is nil: a limit on it refuses.
  /// - Returns: the grant's limits.
  @discardableResult
  func admit(_ values: [String: String?], required: Set<String> = []) throws(StorageError) -> [String: String] {
    for grant in grants {
      let fits = values.allSatisfy { name, value in
        guard let limit = grant.limits[name] else { return !required.contains(name) }
        return value.map { Glob(limit).matches($0) } ?? false
      }
      if fits { return grant.limits }
    }
    let asked = values.sorted { $0.key < $1.key }.map { name, value in
      value.map { "\(name) \(ForeignText.quoted($0))" } ?? "no \(name)"
    }
    throw .denied(
      "\(method) with \(asked.joined(separator: ", ")) is outside of what was granted for storage '\(client.storeid)'",
      hint: "see the limits of its permission with 'berth plugin permissions show'")
  }

  /// A path beneath a granted directory, split at the directory.
  ///
  /// - Throws: INVALID_PARAMS for a path that is not in canonical form, HOST_DENIED for one outside every granted
  ///   directory or in one that is granted read-only when `writes`.
  func location(
    _ path: String, writes: Bool, allowsRoot: Bool = false
  ) throws(StorageError) -> BrokerOperation.Location {
    guard PathPolicy.isCanonical(path) else {
      throw .invalid("\(ForeignText.quoted(path)) is not an absolute path without '.', '..' and '//'")
    }
    let around = client.permissions.files.filter { file in
      PathPolicy.isBeneath(path, file.path) && (allowsRoot || path != file.path)
        && (!writes || file.access == .readWrite)
    }
    guard let file = around.max(by: { $0.path.utf8.count < $1.path.utf8.count }) else {
      throw .denied(
        "\(ForeignText.quoted(path)) is in no directory that storage '\(client.storeid)' may "
          + (writes ? "write" : "read"))
    }
    return BrokerOperation.Location(root: file.path, path: String(path.dropFirst(file.path.count + 1)))
  }

  /// A path beneath a granted directory, as ``location(_:writes:allowsRoot:)``, that the limit `path` admits.
  func admitted(
    _ path: String, writes: Bool, allowsRoot: Bool = false
  ) throws(StorageError) -> BrokerOperation.Location {
    let location = try location(path, writes: writes, allowsRoot: allowsRoot)
    try admit(["path": path])
    return location
  }

  /// The directory whose `mounts` and `dev` the plugin sees.
  func directory() throws(StorageError) -> String {
    guard let directory = client.directory else {
      throw .denied(
        "\(method): this plugin process has no place for mounts and devices",
        hint: "it needs a daemon that runs as root or with a launcher service, and a grant of host.mount or "
          + "host.device.open at its start")
    }
    return directory
  }
}
