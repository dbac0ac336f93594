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
      return Response.json(PluginView(try await host.plugin(context.parameter("plugin"))))
    }
  }
}
