// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import ManagementTypes
internal import StorageHost

/// `/storages/ID/volumes` and `/volumes`
struct VolumeRoutes {
  let host: StorageHost
  private var work: JobAnswer { JobAnswer(host: host) }

  func add(to router: RouterGroup<APIContext>) {
    addListing(to: router)
    addOne(to: router)
    addChanges(to: router)
    addUse(to: router)
  }

  private func addListing(to router: RouterGroup<APIContext>) {
    router.get("storages/:storeid/volumes") { request, context in
      if request.headers[.accept]?.contains(VolumeLines.mediaType) == true { return try await lines(request, context) }
      try request.onlyQuery(["vmid", "content", "cursor", "limit"])
      let page = try await host.list(
        context.storeid(), vmid: request.query("vmid", in: 1...999_999_999).map(Int.init),
        content: request.query("content").map { $0.split(separator: ",").map(String.init) } ?? [],
        cursor: request.query("cursor"), limit: Int(request.query("limit", in: 1...10_000) ?? 1_000),
        Caller(request, context))
      return Response.json(VolumeList(volumes: page.volumes.map { VolumeView($0) }, cursor: page.cursor))
    }
    router.post("storages/:storeid/volumes") { request, context in
      try request.onlyQuery(["wait"])
      let wish = try await request.decoded(as: VolumeCreate.self)
      return try await work.answer(
        request, context,
        .alloc(try context.storeid(), vmid: wish.vmid, name: wish.name, format: wish.format, size: wish.size),
        status: .created)
    }
  }

  /// The whole listing, a volume a line, each part on its way before the next one leaves the plugin.
  private func lines(_ request: Request, _ context: APIContext) async throws -> Response {
    try request.onlyQuery(["vmid", "content"])
    let (storeid, caller) = (try context.storeid(), try Caller(request, context))
    let vmid = try request.query("vmid", in: 1...999_999_999).map(Int.init)
    let content = request.query("content").map { $0.split(separator: ",").map(String.init) } ?? []
    // What fails before the first line is an ordinary problem; later the stream breaks off.
    let first = try await host.list(storeid, vmid: vmid, content: content, limit: VolumeLines.part, caller)
    var headers = HTTPFields()
    headers[.contentType] = VolumeLines.mediaType
    headers[.cacheControl] = "no-store"
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { [host] writer in
        var page = first
        // The plugin makes the next part while this one is on its way: at most two are held.
        while let cursor = page.cursor {
          async let next = host.list(
            storeid, vmid: vmid, content: content, cursor: cursor, limit: VolumeLines.part, caller)
          try await writer.write(VolumeLines.bytes(page))
          page = try await next
        }
        try await writer.write(VolumeLines.bytes(page))
        try await writer.finish(nil)
      })
  }

  private func addOne(to router: RouterGroup<APIContext>) {
    router.get("volumes/:volid") { request, context in
      try request.onlyQuery([])
      let volume = try context.volume()
      return Response.json(
        VolumeDetail(try await host.info(volume.storeid, volume.volname, Caller(request, context))))
    }
    router.patch("volumes/:volid") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      let wish = try await request.decoded(as: VolumeUpdate.self)
      guard wish.notes != nil || wish.protected != nil else { return Response.done }
      return try await work.answer(
        request, context,
        .update(volume.storeid, volume.volname, notes: wish.notes, isProtected: wish.protected))
    }
    router.delete("volumes/:volid") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      return try await work.answer(request, context, .free(volume.storeid, volume.volname))
    }
    router.get("volumes/:volid/path") { request, context in
      try request.onlyQuery(["snapshot"])
      let volume = try context.volume()
      let path = try await host.path(
        volume.storeid, volume.volname, snapname: request.query("snapshot"), Caller(request, context))
      return Response.json(PathView(path: path.path, vmid: path.vmid, vtype: path.vtype))
    }
  }

  private func addChanges(to router: RouterGroup<APIContext>) {
    router.post("volumes/:volid/resize") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      let wish = try await request.decoded(as: ManagementTypes.VolumeResize.self)
      return try await work.answer(
        request, context, .resize(volume.storeid, volume.volname, size: wish.size, isRunning: wish.running))
    }
    router.post("volumes/:volid/clone") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      let wish = try await request.decoded(as: VolumeClone.self)
      return try await work.answer(
        request, context, .clone(volume.storeid, volume.volname, snapname: wish.snapshot, vmid: wish.vmid),
        status: .created)
    }
    router.post("volumes/:volid/rename") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      let wish = try await request.decoded(as: VolumeRename.self)
      return try await work.answer(
        request, context, .rename(volume.storeid, volume.volname, vmid: wish.vmid, name: wish.name))
    }
    router.post("volumes/:volid/base") { request, context in
      try request.onlyQuery(["wait"])
      let volume = try context.volume()
      return try await work.answer(request, context, .createBase(volume.storeid, volume.volname))
    }
  }

  private func addUse(to router: RouterGroup<APIContext>) {
    router.get("volumes/:volid/features/:feature") { request, context in
      try request.onlyQuery(["snapshot"])
      let volume = try context.volume()
      let feature = try context.parameter("feature")
      let has = try await host.hasFeature(
        volume.storeid, volume.volname, feature: feature, snapname: request.query("snapshot"),
        Caller(request, context))
      return Response.json(FeatureView(feature: feature, supported: has))
    }
    router.post("volumes/:volid/activate") { request, context in
      try request.onlyQuery(["snapshot"])
      let volume = try context.volume()
      try await host.activateVolume(
        volume.storeid, volume.volname, snapname: request.query("snapshot"), Caller(request, context))
      return Response.done
    }
    router.post("volumes/:volid/deactivate") { request, context in
      try request.onlyQuery(["snapshot"])
      let volume = try context.volume()
      try await host.deactivateVolume(
        volume.storeid, volume.volname, snapname: request.query("snapshot"), Caller(request, context))
      return Response.done
    }
    router.post("volumes/:volid/map") { request, context in
      try request.onlyQuery(["snapshot"])
      let volume = try context.volume()
      let path = try await host.mapVolume(
        volume.storeid, volume.volname, snapname: request.query("snapshot"), Caller(request, context))
      return Response.json(PathView(path: path))
    }
    router.post("volumes/:volid/unmap") { request, context in
      try request.onlyQuery(["snapshot"])
      let volume = try context.volume()
      try await host.unmapVolume(
        volume.storeid, volume.volname, snapname: request.query("snapshot"), Caller(request, context))
      return Response.done
    }
  }
}
