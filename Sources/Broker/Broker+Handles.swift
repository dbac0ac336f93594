// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import PluginSandbox
internal import StorageProtocol

extension Broker {
  /// The handle of that name when this client holds one, nil when nobody does.
  ///
  /// - Throws: HOST_DENIED for one that belongs to another storage or plugin, INVALID_PARAMS for what is no handle.
  func handle(_ id: String, _ kind: Handle.Kind, _ service: GrantedService) throws(StorageError) -> Handle? {
    let shape = id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
    guard shape, id.utf8.count <= 64 else { throw .invalid("\(ForeignText.quoted(id)) is no handle") }
    guard let handle = handles[id] else { return nil }
    let client = service.client
    guard handle.belongs(to: client), handle.kind == kind else {
      throw .denied("\(service.method): the handle \(ForeignText.quoted(id)) is not storage '\(client.storeid)'s own")
    }
    return handle
  }

  /// What this client holds after the same request, if anything.
  func held(_ request: String, _ kind: Handle.Kind, _ client: BrokerClient) -> Handle? {
    handles.values.first { handle in
      handle.isHeld && handle.kind == kind && handle.request == request && handle.belongs(to: client)
    }
  }

  /// Writes the handle down, then makes what it stands for; what fails half-way is undone.
  func make(
    _ handle: Handle, _ make: (inout Handle) async throws(StorageError) -> Void
  ) async throws(StorageError) -> Handle {
    let mine = handles.values.count { $0.storeid == handle.storeid }
    guard mine < 256 else {
      throw StorageError(.overloaded, "storage '\(handle.storeid)' holds \(mine) handles already", outcome: .notStarted)
    }
    var handle = handle
    try await store.put(handle.id, handle.text)
    handles[handle.id] = handle
    do throws(StorageError) {
      try await make(&handle)
      handle.isHeld = true
      handles[handle.id] = handle
      try await store.put(handle.id, handle.text)
      return handle
    } catch {
      handles[handle.id] = handle
      // In a task of its own: the caller's may be cancelled, and a cancelled worker is killed at once.
      let unfinished = handle
      await Task { await self.abandon(unfinished) }.value
      throw error
    }
  }

  /// Undoes what may have been half made. What cannot be undone now is tried again at the next start.
  private func abandon(_ handle: Handle) async {
    do throws(StorageError) { try await release(handle, force: true) } catch {
      logger.error(
        "what a failed broker call left cannot be removed: \(error.message)",
        metadata: ["storeid": "\(handle.storeid)", "handle": "\(handle.id)"])
    }
  }

  /// Takes away what a handle stands for and forgets it.
  func release(_ handle: Handle, force: Bool) async throws(StorageError) {
    var operation: BrokerOperation?
    let flags: BrokerOperation.Flags = force ? .force : []
    switch handle.kind {
    case .mount:
      operation = BrokerOperation(.unmount, flags: flags)
    case .device:
      var close = BrokerOperation(.deviceClose)
      (close.major, close.minor, close.sandbox) = (handle.major, handle.minor, handle.sandbox)
      operation = close
    case .loop:
      // A worker that was killed never told the number: then it is found by its label.
      operation = BrokerOperation(.loopDetach, flags: flags)
      operation?.number = handle.node.isEmpty ? .max : handle.number
      operation?.label = handle.label
    case .attachment:
      try await detachAttachment(handle, force: force)
    case .stage:
      try await removeStage(handle)
    }
    if var operation {
      operation.place = handle.place
      operation.name = handle.name
      let outcome = try await perform(operation, "release", storeid: handle.storeid)
      if outcome.error != 0, outcome.error != 2 { throw failure(outcome, "release of \(handle.path)") }
    }
    if handle.kind == .loop || handle.kind == .attachment, !handle.node.isEmpty { try await closeNodes(handle.node) }
    try await store.delete(handle.id)
    handles[handle.id] = nil
  }
}
