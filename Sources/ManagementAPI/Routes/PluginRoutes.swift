// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import ManagementTypes
internal import StorageHost

/// `/plugins`
struct PluginRoutes {
  let host: StorageHost

  func add(to router: RouterGroup<APIContext>) {
    router.get("plugins") { request, _ in
      try request.onlyQuery([])
      return Response.json(ListOf(await host.plugins().map { PluginView($0) }))
    }
    router.get("plugins/:plugin") { request, context in
      try request.onlyQuery([])
      var view = PluginView(try await host.plugin(context.parameter("plugin")))
      let id = view.id ?? ""
      view.processes = await host.processes(of: id).map { ProcessView($0) }
      view.storages = try await host.permissions(plugin: id).map { PermissionsView($0) }
      return Response.json(view)
    }
    router.post("plugins/rescan") { request, context in
      try request.onlyQuery([])
      return Response.json(ListOf(try await host.rescanPlugins(Caller(request, context)).map { PluginChangeView($0) }))
    }
    addPermissions(to: router)
  }

  private func addPermissions(to router: RouterGroup<APIContext>) {
    router.get("permissions") { request, _ in
      try request.onlyQuery(["plugin"])
      return Response.json(
        ListOf(try await host.permissions(plugin: request.query("plugin")).map { PermissionsView($0) }))
    }
    router.get("storages/:storeid/permissions") { request, context in
      try request.onlyQuery([])
      return Response.json(PermissionsView(try await host.permissions(of: context.storeid())))
    }
    router.post("storages/:storeid/permissions/grant") { request, context in
      try request.onlyQuery([])
      let wish = try await request.decoded(as: PermissionChange.self)
      guard let digest = wish.digest else {
        throw Problem(
          status: 400, symbol: "BAD_REQUEST", detail: "a grant names the bundle that was looked at", place: "digest",
          hint: "send the `digest` that `GET /storages/ID/permissions` shows")
      }
      let now = try await host.grantPermissions(
        context.storeid(), wish.permissions, digest: digest, Caller(request, context))
      return Response.json(PermissionsView(now))
    }
    router.post("storages/:storeid/permissions/revoke") { request, context in
      try request.onlyQuery([])
      let wish = try await request.decoded(as: PermissionChange.self)
      let now = try await host.revokePermissions(context.storeid(), wish.permissions, Caller(request, context))
      return Response.json(PermissionsView(now))
    }
  }
}
