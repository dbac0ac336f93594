// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

extension Broker {
  func attachLoop(
    _ params: HostLoopAttach.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLoopAttach.Result {
    let client = service.client
    let isReadOnly = params.access == .ro
    let location = try service.admitted(params.path, writes: !isReadOnly)
    let (offset, size) = (params.offset ?? 0, params.sizeLimit ?? 0)
    guard offset >= 0, size >= 0, !offset.addingReportingOverflow(size).overflow, offset % 512 == 0, size % 512 == 0
    else { throw .invalid("offset and sizeLimit must be multiples of 512 and fit together") }
    let request = "\(params.path)\n\(isReadOnly)\n\(offset)\n\(size)"
    await turns.take(client.storeid)
    defer { Task { await turns.give(client.storeid) } }
    if let handle = held(request, .loop, client) {
      if LoopDevices.attached().contains(handle.number) {
        return HostLoopAttach.Result(loop: handle.id, device: handle.node)
      }
      try await release(handle, force: true)  // gone without us: a reboot, or an administrator
    }
    let new = Handle(.loop, client, request: request)
    let handle = try await make(new) { handle async throws(StorageError) in
      var operation = BrokerOperation(.loopAttach, flags: isReadOnly ? .readOnly : [])
      operation.location = location
      operation.label = handle.label
      (operation.offset, operation.size) = (offset, size)
      let outcome = try await self.perform(operation, service.method, storeid: client.storeid, within: .seconds(10))
      if outcome.error != 0 { throw self.failure(outcome, service.method) }
      (handle.number, handle.major, handle.minor) = (outcome.number, outcome.major, outcome.minor)
      handle.node = outcome.node
      handle.isReadOnly = isReadOnly
    }
    return HostLoopAttach.Result(loop: handle.id, device: handle.node)
  }

  func detachLoop(
    _ params: HostLoopDetach.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostLoopDetach.Result {
    await turns.take(service.client.storeid)
    defer { Task { await turns.give(service.client.storeid) } }
    if let handle = try handle(params.loop, .loop, service) { try await release(handle, force: false) }
    return HostLoopDetach.Result()
  }
}
