// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import ManagementTypes
internal import StorageHost

/// `/volumes/VOLID/snapshots`
struct SnapshotRoutes {
  let host: StorageHost

  func add(to router: RouterGroup<APIContext>) {
    router.get("volumes/:volid/snapshots") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      let snapshots = try await host.snapshots(volume.storeid, volume.volname, Caller(request, context))
      return Response.json(ListOf(snapshots.map { SnapshotView(name: $0.name, details: $0.details) }))
    }
    router.post("volumes/:volid/snapshots") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      let wish = try await request.decoded(as: SnapshotCreate.self)
      try await host.snapshot(volume.storeid, volume.volname, wish.name, Caller(request, context))
      return Response.json(SnapshotView(name: wish.name), status: .created)
    }
    router.delete("volumes/:volid/snapshots/:snapshot") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      try await host.deleteSnapshot(
        volume.storeid, volume.volname, context.parameter("snapshot"), Caller(request, context))
      return Response.done
    }
    router.post("volumes/:volid/snapshots/:snapshot/rollback") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      try await host.rollback(volume.storeid, volume.volname, context.parameter("snapshot"), Caller(request, context))
      return Response.done
    }
    router.post("volumes/:volid/snapshots/:snapshot/rename") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      let wish = try await request.decoded(as: SnapshotRename.self)
      try await host.renameSnapshot(
        volume.storeid, volume.volname, context.parameter("snapshot"), to: wish.name, Caller(request, context))
      return Response.json(SnapshotView(name: wish.name))
    }
  }
}
