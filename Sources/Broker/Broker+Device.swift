// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

extension Broker {
  /// Makes a node of a granted device appear in the running plugin.
  func openDevice(
    _ params: HostDeviceOpen.Params, _ service: GrantedService
  ) async throws(StorageError) -> HostDeviceOpen.Result {
    let client = service.client
    let isReadOnly = params.access == .ro
    try service.admit(
      ["class": params.class, "name": params.name], required: params.class.hasPrefix("lvm:") ? ["name"] : [])
    guard
      client.permissions.devices.contains(where: { permission in
        permission.deviceClass == params.class && (isReadOnly || permission.access == .readWrite)
      })
    else {
      throw .denied("device class \(ForeignText.quoted(params.class)) is not granted to '\(client.storeid)' so")
    }
    let source = try source(params)
    let found = try await device(source, isReadOnly: isReadOnly, service)
    let directory = try service.directory()
    let kernelName = String(found.node.split(separator: "/").last ?? "")
    let request = "\(found.node)\n\(found.major):\(found.minor)\n\(params.access.rawValue)\n\(client.sandbox)"
    await turns.take(client.storeid)
    defer { Task { await turns.give(client.storeid) } }
    if let handle = held(request, .device, client) { return HostDeviceOpen.Result(path: handle.path) }
    // Nodes for an earlier process of this plugin have no leave in the new one's control group.
    for old in handles.values where old.kind == .device && old.belongs(to: client) && old.node == found.node {
      try await release(old, force: true)
    }
    var new = Handle(.device, client, request: request)
    new.place = directory + "/dev"
    new.name = kernelName + (isReadOnly ? ".ro" : "")
    (new.node, new.major, new.minor) = (found.node, found.major, found.minor)
    (new.sandbox, new.target) = (client.sandbox, source)
    let handle = try await make(new) { handle async throws(StorageError) in
      var operation = BrokerOperation(.deviceOpen, flags: isReadOnly ? .readOnly : [])
      (operation.node, operation.major, operation.minor) = (found.node, found.major, found.minor)
      (operation.place, operation.name) = (handle.place, handle.name)
      operation.uid = client.uid
      operation.sandbox = client.sandbox
      let outcome = try await self.perform(operation, service.method, storeid: client.storeid, within: .seconds(10))
      if outcome.error != 0 { throw self.failure(outcome, service.method) }
    }
    return HostDeviceOpen.Result(path: handle.path)
  }

  /// Takes away every node of a device that is gone: its number may be another's next.
  ///
  /// - Parameter name: the device itself, or the path that it was opened by.
  func closeNodes(_ name: String) async throws(StorageError) {
    for handle in handles.values where handle.kind == .device && (handle.node == name || handle.target == name) {
      try await release(handle, force: true)
    }
  }

  /// The name within its class as a handle or a path.
  private func source(_ params: HostDeviceOpen.Params) throws(StorageError) -> String {
    let parts = params.class.split(separator: ":", maxSplits: 1).map(String.init)
    switch parts.first {
    case "loop":
      guard params.name.hasPrefix("loop-") else { throw .denied("a loop device is named by its own handle") }
      return params.name
    case "attached":
      guard params.name.hasPrefix("blk-") else { throw .denied("an attached device is named by its own handle") }
      return params.name
    case "lvm" where parts.count == 2: return try within(params, "/dev/\(parts[1])/\(params.name)")
    case "by-id": return try within(params, "/dev/disk/by-id/\(params.name)")
    case "block": return try within(params, params.name)
    default: throw .denied("unknown device class \(ForeignText.quoted(params.class))")
    }
  }

  /// One class may not borrow from another.
  private func within(_ params: HostDeviceOpen.Params, _ path: String) throws(StorageError) -> String {
    guard PathPolicy.isCanonical(path), Self.path(path, isIn: params.class) else {
      throw .denied("\(ForeignText.quoted(params.name)) is not in class \(ForeignText.quoted(params.class))")
    }
    return path
  }
}
