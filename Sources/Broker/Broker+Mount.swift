// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginSandbox
internal import StorageProtocol

extension Broker {
  func mount(_ params: HostMount.Params, _ service: GrantedService) async throws(StorageError) -> HostMount.Result {
    let client = service.client
    let limits = try service.admit(
      ["kind": params.kind.rawValue, "source": params.source], required: sourceLimits(params))
    let directory = try service.directory()
    var operation = try await plan(params, service, limits)
    if params.access == .ro { operation.flags.insert(.readOnly) }
    if params.options?["exec"] != nil {
      guard (limits["options"] ?? "").split(separator: ",").contains("exec") else {
        throw .denied("mount option 'exec' is not granted to storage '\(client.storeid)'")
      }
      operation.flags.insert(.exec)
    }
    operation.uid = client.uid
    operation.place = directory + "/mounts"
    let options = (params.options ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let request = [params.kind.rawValue, params.source, params.access?.rawValue ?? "rw", params.secret ?? ""] + options
    await turns.take(client.storeid)
    defer { Task { await turns.give(client.storeid) } }
    if let handle = held(request.joined(separator: "\n"), .mount, client) {
      if handle.place == operation.place, MountedPaths.now().contains(handle.path) {
        return HostMount.Result(mount: handle.id, path: handle.path)
      }
      try await release(handle, force: true)  // gone without us: a reboot, or an administrator
    }
    var new = Handle(.mount, client, request: request.joined(separator: "\n"))
    (new.place, new.name) = (operation.place, new.id)
    let planned = operation
    let handle = try await make(new) { handle async throws(StorageError) in
      var operation = planned
      operation.name = handle.name
      if operation.kind == .mountLocal, operation.node.isEmpty { operation.label = handle.label }
      let outcome = try await self.perform(operation, service.method, storeid: client.storeid)
      if outcome.error != 0 { throw self.mountFailure(outcome, service.method, params.kind) }
    }
    return HostMount.Result(mount: handle.id, path: handle.path)
  }

  func unmount(
    _ params: HostUnmount.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostUnmount.Result {
    await turns.take(service.client.storeid)
    defer { Task { await turns.give(service.client.storeid) } }
    if let handle = try handle(params.mount, .mount, service) {
      try await release(handle, force: params.force ?? false)
    }
    return HostUnmount.Result()
  }

  /// A server must be named by the grant, and a device by its path, for a class holds more than one's own; a file or
  /// handle has a grant of its own.
  private func sourceLimits(_ params: HostMount.Params) -> Set<String> {
    let isNamed = [.nfs, .cifs, .cephfs].contains(params.kind) || params.source.hasPrefix("/dev/")
    return isNamed ? ["kind", "source"] : ["kind"]
  }

  private func plan(
    _ params: HostMount.Params, _ service: GrantedService, _ limits: [String: String]
  ) async throws(StorageError) -> BrokerOperation {
    switch params.kind {
    case .nfs: try await nfs(params, limits)
    case .cifs: try await cifs(params, service, limits)
    case .cephfs: try await ceph(params, service, limits)
    case .loop, .device: try await local(params, service, limits)
    default: throw .denied("mounts of kind \(ForeignText.quoted(params.kind.rawValue)) are not known")
    }
  }

  // MARK: - Servers

  /// The address of a source's host, whose end the grant must spell out where it leads to this machine.
  private func address(
    _ host: Substring, of source: String, _ limits: [String: String]
  ) async throws(StorageError) -> String {
    try await Self.address(String(host), beginning: source[..<host.endIndex], of: source, limit: limits["source"])
  }

  /// The address of a host in an argument that a limit has admitted.
  ///
  /// - Parameter beginning: the argument's up to the end of the host: the limit must spell it out where the host is
  ///   this machine.
  static func address(
    _ host: String, beginning: Substring, of argument: String, limit: String?
  ) async throws(StorageError) -> String {
    let isNamed = Glob(limit ?? "").spellsOut(String(beginning), of: argument)
    do throws(SandboxError) { return try await HostResolver.address(of: host, isNamed: isNamed) } catch {
      throw StorageError(
        error.code == .permissionRefused ? .hostDenied : .storageUnavailable, error.message, outcome: .notStarted,
        hint: error.hint)
    }
  }

  private func nfs(_ params: HostMount.Params, _ limits: [String: String]) async throws(StorageError) -> BrokerOperation
  {
    guard let (host, path) = ServerPath.nfs(params.source) else {
      throw .invalid("\(ForeignText.quoted(params.source)) is not 'server:/export'")
    }
    var operation = BrokerOperation(.mountRemote)
    operation.type = "nfs"
    let address = try await address(host, of: params.source, limits)
    let isSix = address.contains(":")
    operation.source = isSix ? "[\(address)]:\(path)" : "\(address):\(path)"
    var options = params.options ?? [:]
    let version = options["vers"] ?? "4.2"
    options["vers"] = version
    operation.options = [
      BrokerOperation.Option("addr", address), BrokerOperation.Option("proto", isSix ? "tcp6" : "tcp"),
    ]
    if version.hasPrefix("3") {
      operation.options.append(BrokerOperation.Option("mountaddr", address))
      operation.options.append(BrokerOperation.Option("mountproto", isSix ? "tcp6" : "tcp"))
      // Locks over NFS 3 need a daemon on this host, which a container or a small host may lack.
      if options["local_lock"] == nil { options["nolock"] = "" }
    }
    operation.options += try MountOptions.check(options, type: "nfs", consumed: ["exec"])
    return operation
  }

  private func cifs(
    _ params: HostMount.Params, _ service: GrantedService, _ limits: [String: String]
  ) async throws(StorageError) -> BrokerOperation {
    guard let host = ServerPath.cifs(params.source) else {
      throw .invalid("\(ForeignText.quoted(params.source)) is not '//server/share'")
    }
    var operation = BrokerOperation(.mountRemote)
    operation.type = "cifs"
    operation.source = params.source
    let owner = String(service.client.uid)
    let address = try await address(host, of: params.source, limits)
    operation.options = [
      BrokerOperation.Option("ip", address), BrokerOperation.Option("uid", owner),
      BrokerOperation.Option("gid", owner), BrokerOperation.Option("forceuid"), BrokerOperation.Option("forcegid"),
      BrokerOperation.Option("file_mode", "0600"), BrokerOperation.Option("dir_mode", "0700"),
    ]
    operation.options += try MountOptions.check(params.options ?? [:], type: "cifs", consumed: ["exec"])
    if let password = try await secret(params.secret, service) {
      operation.options.append(BrokerOperation.Option("password", password))
    }
    return operation
  }

  private func ceph(
    _ params: HostMount.Params, _ service: GrantedService, _ limits: [String: String]
  ) async throws(StorageError) -> BrokerOperation {
    guard let (hosts, path) = ServerPath.ceph(params.source) else {
      throw .invalid("\(ForeignText.quoted(params.source)) is not 'monitor[,monitor]:/path'")
    }
    var operation = BrokerOperation(.mountRemote)
    operation.type = "ceph"
    var addresses: [String] = []
    for host in hosts { addresses.append(try await address(host, of: params.source, limits)) }
    operation.source = addresses.joined(separator: ",") + ":" + path
    operation.options = try MountOptions.check(params.options ?? [:], type: "ceph", consumed: ["exec"])
    if let secret = try await secret(params.secret, service) {
      operation.options.append(BrokerOperation.Option("secret", secret))
    }
    return operation
  }

  /// The value of the sensitive property that the plugin names; the plugin need never see it.
  func secret(_ name: String?, _ service: GrantedService) async throws(StorageError) -> String? {
    guard let name else { return nil }
    guard let value = try await service.client.secret(name) else {
      throw StorageError(
        .authFailed, "storage '\(service.client.storeid)' has no secret \(ForeignText.quoted(name))",
        outcome: .notStarted, hint: "set it on the storage")
    }
    return value
  }

  // MARK: - Files and devices

  private func local(
    _ params: HostMount.Params, _ service: GrantedService, _ limits: [String: String]
  ) async throws(StorageError) -> BrokerOperation {
    let client = service.client
    guard limits["untrusted"] == "yes" else {
      throw .denied(
        "storage '\(client.storeid)' may not have the kernel read a file system that its plugin could have written",
        hint: "the grant of host.mount needs the limit untrusted=yes, which is a risk for the kernel")
    }
    let isReadOnly = params.access == .ro
    var operation = BrokerOperation(.mountLocal, flags: .mapOwner)
    operation.type = params.options?["fs"] ?? ""
    guard ["ext4", "xfs", "btrfs"].contains(operation.type) else {
      throw .invalid("option 'fs' must be ext4, xfs or btrfs: a file system is never guessed")
    }
    operation.options = try MountOptions.check(
      params.options ?? [:], type: operation.type, consumed: ["exec", "fs"])
    if params.kind == .loop {
      operation.location = try service.location(params.source, writes: !isReadOnly)
    } else {
      let device = try await device(params.source, isReadOnly: isReadOnly, service)
      (operation.node, operation.major, operation.minor) = (device.node, device.major, device.minor)
    }
    return operation
  }

  private func mountFailure(_ outcome: BrokerOutcome, _ method: String, _ kind: MountKind) -> StorageError {
    let isRemote = [.nfs, .cifs, .cephfs].contains(kind)
    var error = failure(outcome, method)
    if isRemote {
      switch outcome.error {
      case EACCES, EPERM, EKEYREJECTED: error.code = .authFailed
      case ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ECONNRESET, EIO:
        error.code = .storageUnavailable
      case EINVAL, ENODEV: error.code = .backendError
      default: break
      }
      if outcome.error == ENODEV { error.hint = "load the kernel's module for \(kind.rawValue) on this host" }
    } else if outcome.error == EINVAL || outcome.error == EPERM, outcome.detail.contains("file system") {
      error.code = .backendError
    }
    return error
  }
}
