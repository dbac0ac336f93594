// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import StorageProtocol
internal import StorageRules

extension StorageHost {
  /// Makes a clone of a base image or of a snapshot; whether it shares data with it is the storage's affair.
  ///
  /// The name is reserved under the storage's lock; the work holds the clone's own lock and keeps the source as it is:
  /// any number of clones of a base or snapshot are made at once.
  /// - Parameters:
  ///   - snapname: the snapshot to clone; nil for a base image.
  ///   - vmid: the guest that will own the clone.
  /// - Returns: the clone's volume id.
  public func clone(
    _ storeid: String, _ volname: String, snapname: String? = nil, vmid: Int, _ caller: Caller
  ) async throws(StorageError) -> String {
    try InputChecks.storeid(storeid)
    try InputChecks.volname(volname)
    try InputChecks.vmid(vmid)
    if let snapname { try InputChecks.snapname(snapname) }
    var request: JSONObject = ["volname": .string(volname), "vmid": .int(Int64(vmid))]
    request.setOptional("snapname", snapname)
    let asked = request
    let isFixed: Bool
    if snapname != nil {
      isFixed = true
    } else {
      isFixed = try await registry.storage(storeid).parse(volname, CallRun(caller)).isBase
    }
    let mutation = Mutation(
      method: "clone_image", request: asked, volumes: isFixed ? [] : [volname], reads: isFixed ? [volname] : [],
      needsStorageLock: false)
    let result = try await make(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      try await self.cloneName(storage, try await storage.parse(volname, run), vmid: vmid, run)
    } choose: { (storage, target, run) async throws(StorageError) in
      _ = try await self.existing(storage, volname, run)
      try await self.mustSupport("clone", storage, volname, snapname, run)
      try await self.mustBeFree(storage, target, run)
      let intent: JSONObject = ["volname": .string(target), "source": .string(volname)]
      return Plan(intent: intent, result: .string(storage.volid(target)))
    } perform: { (storage, plan, run) async throws(StorageError) in
      var arguments = asked
      arguments["targetVolname"] = plan.intent["volname"]
      _ = try await storage.call("clone_image", arguments, run)
      try await self.mustExist(storage, try plan.intent.text("volname"), "clone_image", run)
      return plan.result
    }
    return result.stringValue ?? ""
  }

  /// Turns a volume into a read-only base for linked clones; its new name is reserved as a clone's is.
  /// - Returns: its new volume id.
  public func createBase(_ storeid: String, _ volname: String, _ caller: Caller) async throws(StorageError) -> String {
    try InputChecks.storeid(storeid)
    try InputChecks.volname(volname)
    let mutation = Mutation(
      method: "create_base", request: ["volname": .string(volname)], volumes: [volname], needsStorageLock: false)
    let result = try await make(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      let target = try self.baseName(volname, storage)
      _ = try await self.move(storage, from: volname, to: target, run)
      return target
    } choose: { (storage, target, run) async throws(StorageError) in
      _ = try await self.existing(storage, volname, run)
      try await self.mustBeFree(storage, target, run)
      let intent: JSONObject = ["volname": .string(volname), "targetVolname": .string(target)]
      return Plan(intent: intent, result: .string(storage.volid(target)))
    } perform: { (storage, plan, run) async throws(StorageError) in
      _ = try await storage.call("create_base", plan.intent, run)
      try await self.mustExist(storage, try plan.intent.text("targetVolname"), "create_base", run)
      return plan.result
    }
    return result.stringValue ?? ""
  }

  /// Gives a volume another owner, another name, or both.
  /// - Returns: its new volume id.
  public func rename(
    _ storeid: String, _ volname: String, vmid: Int? = nil, name: String? = nil, _ caller: Caller
  ) async throws(StorageError) -> String {
    try InputChecks.storeid(storeid)
    try InputChecks.volname(volname)
    if let vmid { try InputChecks.vmid(vmid) }
    if let name { try InputChecks.volname(name) }
    var request: JSONObject = ["volname": .string(volname)]
    request.setOptional("vmid", vmid)
    request.setOptional("name", name)
    let mutation = Mutation(method: "rename_volume", request: request, volumes: [volname], needsStorageLock: true)
    let result = try await mutate(mutation, on: storeid, caller) { (storage, run) async throws(StorageError) in
      _ = try await self.existing(storage, volname, run)
      let old = try HostDefaults.name(volname, storage)
      let owner = vmid ?? old.vmid
      let names = name == nil ? try await storage.imageNames(vmid: owner, run) + self.reservations.of(storage.id) : []
      let target = try self.newName(old, vmid: vmid, name: name, names: names, storage)
      var plan = try await self.move(storage, from: volname, to: target, run)
      plan.intent.setOptional("targetVmid", owner)
      return plan
    } perform: { (storage, plan, run) async throws(StorageError) in
      _ = try await storage.call("rename_volume", plan.intent, run)
      try await self.mustExist(storage, try plan.intent.text("targetVolname"), "rename_volume", run)
      return plan.result
    }
    return result.stringValue ?? ""
  }
}
