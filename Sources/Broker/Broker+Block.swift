// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginSandbox
internal import StorageProtocol

/// Remote block devices. The limits `protocol` and `portal` of the grant name what may be reached (both must be there),
/// `target` the IQNs, NQNs or export names.
extension Broker {
  func attachBlock(
    _ params: HostBlockAttach.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBlockAttach.Result {
    let client = service.client
    let target = params.target ?? ""
    var limits: [String: String] = [:]
    for portal in params.portals.reversed() {
      limits = try service.admit(
        ["protocol": params.protocol.rawValue, "portal": portal, "target": target], required: ["protocol", "portal"])
    }
    guard let first = params.portals.first, let (host, port) = Self.portal(first) else {
      throw .invalid("portals must be 'host:port'")
    }
    let kind = try operationKind(params)
    guard params.portals.count == 1 else {
      throw StorageError(
        .backendError, "this host attaches through one portal at a time, not \(params.portals.count)",
        outcome: .notStarted,
        hint: "name one portal; with a call for each the kernel itself joins the paths of an NVMe namespace")
    }
    let request = [
      params.protocol.rawValue, target, params.wwid, params.access?.rawValue ?? "rw", first, params.secret ?? "",
      params.lun.map(String.init) ?? "",
    ].joined(separator: "\n")
    await turns.take(client.storeid)
    defer { Task { await turns.give(client.storeid) } }
    if let handle = held(request, .attachment, client) {
      if try await isAttached(handle) {
        return HostBlockAttach.Result(attachment: handle.id, device: handle.node)
      }
      try await release(handle, force: true)
    }
    let address = try await Self.address(
      host, beginning: first[..<(first.lastIndex(of: ":") ?? first.endIndex)], of: first, limit: limits["portal"])
    let login = try await chap(params, service)
    var new = Handle(.attachment, client, request: request)
    (new.transport, new.target, new.address, new.port) = (params.protocol.rawValue, target, address, port)
    (new.identity, new.isReadOnly) = (params.wwid, params.access == .ro)
    (new.isBorrowed, new.boot) = (true, Self.boot)  // until it is known that nothing is there yet
    let handle = try await make(new) { handle async throws(StorageError) in
      var operation = BrokerOperation(kind, verb: kind == .iscsi ? BrokerOperation.ISCSI.login.rawValue : 0)
      (operation.target, operation.source, operation.number) = (target, address, port)
      (operation.label, operation.offset) = (params.wwid, params.lun.map { Int64($0) + 1 } ?? 0)
      await self.turns.take(handle.connection)
      let connection = handle.connection
      defer { Task { await self.turns.give(connection) } }
      // Looked at and written down first: whoever finds this record after a crash knows whose the connection is.
      operation.flags = .look
      let before = try await self.perform(operation, service.method, storeid: client.storeid, within: .seconds(30))
      if before.error != 0 { throw self.attachFailure(before, service.method) }
      handle.isBorrowed = self.isBorrowed(handle, wasThere: before.id != 0)
      try await self.store.put(handle.id, handle.text)
      operation.flags = []
      if let login { operation.options = [login] }
      let outcome = try await self.perform(
        operation, service.method, storeid: client.storeid, within: .seconds(120))
      if outcome.id != 0 { handle.isBorrowed = self.isBorrowed(handle, wasThere: true) }
      if outcome.error != 0 { throw self.attachFailure(outcome, service.method) }
      (handle.node, handle.major, handle.minor) = (outcome.node, outcome.major, outcome.minor)
      handle.number = outcome.number + 1
    }
    return HostBlockAttach.Result(attachment: handle.id, device: handle.node)
  }

  func detachBlock(
    _ params: HostBlockDetach.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostBlockDetach.Result {
    await turns.take(service.client.storeid)
    defer { Task { await turns.give(service.client.storeid) } }
    if let handle = try handle(params.attachment, .attachment, service) { try await release(handle, force: false) }
    return HostBlockDetach.Result()
  }

  private func operationKind(_ params: HostBlockAttach.Params) throws(StorageError) -> BrokerOperation.Kind {
    switch params.protocol {
    case .nvmeTcp, .iscsi:
      guard params.target != nil else { throw .invalid("target is needed") }
      if params.secret != nil, params.protocol == .nvmeTcp {
        throw StorageError(
          .backendError, "this host offers no NVMe in-band authentication: the secret would not be used",
          outcome: .notStarted,
          hint: "leave 'secret' out and let the target know this host by its NQN, /etc/nvme/hostnqn")
      }
      return params.protocol == .iscsi ? .iscsi : .nvmeAttach
    case .nbd:
      throw StorageError(
        .backendError, "this host attaches no NBD exports", outcome: .notStarted,
        hint: "QEMU reaches them by itself: let the plugin's 'path' answer an 'nbd:' address")
    case .fc:
      throw StorageError(
        .backendError, "Fibre Channel needs no attaching: its disks are the host's own", outcome: .notStarted,
        hint: "zone and mask the LUN to this host, then open it with host.device.open in a class 'by-id:'")
    default:
      throw .denied("the protocol \(ForeignText.quoted(params.protocol.rawValue)) is not known")
    }
  }

  /// Whether an attachment's device is still what was attached: numbers and names of disks are given again.
  func isAttached(_ handle: Handle) async throws(StorageError) -> Bool {
    guard handle.boot == Self.boot, FoundDevice(handle).isThere else { return false }
    var operation = BrokerOperation(handle.isSession ? .iscsi : .nvmeAttach, flags: .look)
    (operation.target, operation.source, operation.number) = (handle.target, handle.address, handle.port)
    operation.label = handle.identity
    (operation.node, operation.major, operation.minor) = (handle.node, handle.major, handle.minor)
    let outcome = try await perform(
      operation, "looking at \(handle.node)", storeid: handle.storeid, within: .seconds(30))
    if outcome.error != 0 { throw failure(outcome, "looking at \(handle.node)") }
    return outcome.id != 0
  }

  /// The CHAP name and secret of an iSCSI login: the property that the plugin names holds both, a blank between them.
  private func chap(
    _ params: HostBlockAttach.Params, _ service: GrantedService
  ) async throws(StorageError) -> BrokerOperation.Option? {
    guard let value = try await secret(params.secret, service) else { return nil }
    let words = value.split(separator: " ", omittingEmptySubsequences: false)
    let fits =
      words.count == 2
      && words.allSatisfy { word in
        (1...255).contains(word.utf8.count) && word.utf8.allSatisfy { (0x21...0x7E).contains($0) }
      }
    guard fits else {
      throw StorageError(
        .authFailed, "the secret \(ForeignText.quoted(params.secret ?? "")) is no CHAP login", outcome: .notStarted,
        hint: "set it to the CHAP name, a blank and the CHAP secret, in printable ASCII characters")
    }
    return BrokerOperation.Option(String(words[0]), String(words[1]))
  }

  /// Whether a connection that is there already is nobody's of Berth's.
  private func isBorrowed(_ handle: Handle, wasThere: Bool) -> Bool {
    wasThere && !handles.values.contains { $0.isOwner(besides: handle) }
  }

  /// The life of the kernel.
  static let boot: String = {
    guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "" }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 64)
    guard fgets(&buffer, 64, file) != nil else { return "" }
    return String(decoding: buffer.prefix { $0 > 0x20 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }()

  /// `host:port` or `[address]:port`.
  static func portal(_ text: String) -> (host: String, port: UInt32)? {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
      return nil
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    let plain = host.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "._:-".utf8.contains(byte)
    }
    return host.isEmpty || !plain ? nil : (String(host), UInt32(port))
  }

  private func attachFailure(_ outcome: BrokerOutcome, _ method: String) -> StorageError {
    var error = failure(outcome, method)
    switch outcome.error {
    case 95, 65:  // EOPNOTSUPP, ENOPKG
      error.code = .backendError
      error.hint = "this host lacks the kernel module or the tool: see the message"
    case 110, 111, 113, 101, 104, 5: error.code = .storageUnavailable
    case 129: error.code = .authFailed  // EKEYREJECTED
    default: break
    }
    return error
  }

  /// Ends an attachment's connection, unless it was there before or another handle is on it.
  func detachAttachment(_ handle: Handle, force: Bool) async throws(StorageError) {
    if handle.isBorrowed || handle.boot != Self.boot { return }
    await turns.take(handle.connection)
    defer { Task { await turns.give(handle.connection) } }
    if handles.values.contains(where: { $0.isOwner(besides: handle) }) { return }
    var operation = BrokerOperation(
      handle.isSession ? .iscsi : .nvmeDetach, verb: handle.isSession ? BrokerOperation.ISCSI.logout.rawValue : 0)
    if force { operation.flags = .force }
    (operation.target, operation.source, operation.number) = (handle.target, handle.address, handle.port)
    (operation.label, operation.size) = (handle.identity, Int64(handle.number))
    (operation.node, operation.major, operation.minor) = (handle.node, handle.major, handle.minor)
    let outcome = try await perform(operation, "release", storeid: handle.storeid)
    // What this host cannot attach it has not attached.
    if outcome.error != 0, ![2, 65, 95].contains(outcome.error) {
      throw failure(outcome, "release of \(handle.target)")
    }
  }
}
