// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import ManagementTypes
internal import StorageHost

/// `/volumes/VOLID/snapshots`
struct SnapshotRoutes {
  let host: StorageHost
  private var work: JobAnswer { JobAnswer(host: host) }

  func add(to router: RouterGroup<APIContext>) {
    router.get("volumes/:volid/snapshots") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      let snapshots = try await host.snapshots(volume.storeid, volume.volname, Caller(request, context))
      return Response.json(ListOf(snapshots.map { SnapshotView(name: $0.name, details: $0.details) }))
    }
    router.post("volumes/:volid/snapshots") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      let wish = try await request.decoded(as: SnapshotCreate.self)
      return try await work.answer(request, context, .snapshot(volume.storeid, volume.volname, wish.name))
    }
    router.delete("volumes/:volid/snapshots/:snapshot") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      return try await work.answer(
        request, context, .deleteSnapshot(volume.storeid, volume.volname, context.parameter("snapshot")))
    }
    router.post("volumes/:volid/snapshots/:snapshot/rollback") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      return try await work.answer(
        request, context, .rollback(volume.storeid, volume.volname, context.parameter("snapshot")))
    }
    router.post("volumes/:volid/snapshots/:snapshot/rename") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      let wish = try await request.decoded(as: SnapshotRename.self)
      return try await work.answer(
        request, context,
        .renameSnapshot(volume.storeid, volume.volname, context.parameter("snapshot"), to: wish.name))
    }
  }
}
