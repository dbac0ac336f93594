// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

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
    for portal in params.portals {
      try service.admit(
        ["protocol": params.protocol.rawValue, "portal": portal, "target": target], required: ["protocol", "portal"])
    }
    guard let first = params.portals.first, let (host, port) = Self.portal(first) else {
      throw .invalid("portals must be 'host:port'")
    }
    let kind = try operationKind(params)
    let request = [
      params.protocol.rawValue, target, params.wwid, params.access?.rawValue ?? "rw",
      params.portals.joined(separator: ","),
    ].joined(separator: "\n")
    await turns.take(client.storeid)
    defer { Task { await turns.give(client.storeid) } }
    if let handle = held(request, .attachment, client) {
      if FoundDevice(handle).isThere {
        return HostBlockAttach.Result(attachment: handle.id, device: handle.node)
      }
      try await release(handle, force: true)
    }
    let address: String
    do throws(SandboxError) { address = try await HostResolver.address(of: host) } catch {
      throw StorageError(.storageUnavailable, error.message, outcome: .notStarted, hint: error.hint)
    }
    var new = Handle(.attachment, client, request: request)
    (new.transport, new.target, new.address, new.port) = (params.protocol.rawValue, target, address, port)
    new.isReadOnly = params.access == .ro
    let handle = try await make(new) { handle async throws(StorageError) in
      var operation = BrokerOperation(kind, verb: kind == .iscsi ? BrokerOperation.ISCSI.login.rawValue : 0)
      (operation.target, operation.source, operation.number) = (target, address, port)
      operation.label = params.wwid
      if handle.isReadOnly { operation.flags.insert(.readOnly) }
      let outcome = try await self.perform(
        operation, service.method, storeid: client.storeid, within: .seconds(120))
      if outcome.error != 0 { throw self.attachFailure(outcome, service.method) }
      (handle.node, handle.major, handle.minor) = (outcome.node, outcome.major, outcome.minor)
      handle.number = outcome.number
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
    if params.secret != nil, params.protocol == .iscsi {
      throw StorageError(
        .backendError, "iSCSI with CHAP is not offered: iscsiadm takes the secret on its command line only",
        outcome: .notStarted, hint: "let the target know this host by its initiator name")
    }
    switch params.protocol {
    case .nvmeTcp, .iscsi:
      guard params.target != nil else { throw .invalid("target is needed") }
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
    default: break
    }
    return error
  }

  /// Ends an attachment, unless another handle is on the same target.
  func detachAttachment(_ handle: Handle) async throws(StorageError) {
    let shares = handles.values.contains { other in
      other.id != handle.id && other.kind == .attachment && other.transport == handle.transport
        && other.target == handle.target && other.address == handle.address
    }
    if shares { return }
    var operation: BrokerOperation
    if handle.transport == BlockProtocol.iscsi.rawValue {
      operation = BrokerOperation(.iscsi, verb: BrokerOperation.ISCSI.logout.rawValue)
    } else {
      operation = BrokerOperation(.nvmeDetach)
    }
    (operation.target, operation.source) = (handle.target, handle.address)
    operation.label = handle.label
    operation.number = handle.port
    let outcome = try await perform(operation, "release", storeid: handle.storeid)
    // What this host cannot attach it has not attached.
    if outcome.error != 0, ![2, 65, 95].contains(outcome.error) {
      throw failure(outcome, "release of \(handle.target)")
    }
  }
}
