// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import JSON
internal import ManagementTypes
internal import StorageHost

/// `/storages` and `/status`
struct StorageRoutes {
  let host: StorageHost

  func add(to router: RouterGroup<APIContext>) {
    addConfiguration(to: router)
    router.get("status") { request, _ in
      try request.onlyQuery([])
      return Response.json(ListOf(await host.status().map { StatusView($0) }))
    }
    router.get("storages/:storeid/status") { request, context in
      try request.onlyQuery(["fresh"])
      let status = try await host.status(
        context.storeid(), isFresh: request.flag("fresh"), Caller(request, context))
      return Response.json(StatusView(status))
    }
    router.post("storages/:storeid/activate") { request, context in
      try await host.activate(context.storeid(), Caller(request, context))
      return Response.done
    }
    router.post("storages/:storeid/deactivate") { request, context in
      try await host.deactivate(context.storeid(), Caller(request, context))
      return Response.done
    }
    router.post("storages/:storeid/release") { request, context in
      try await host.release(context.storeid(), Caller(request, context))
      return Response.done
    }
    router.post("storages/:storeid/prune") { request, context in
      try request.onlyQuery(["keep", "vmid", "type", "dry-run"])
      let marks = try await host.prune(
        context.storeid(), keep: request.query("keep"), vmid: request.query("vmid", in: 1...999_999_999).map(Int.init),
        type: request.query("type"), isDryRun: request.flag("dry-run"), Caller(request, context))
      return Response.json(["items": marks.json()] as JSON)
    }
  }

  private func addConfiguration(to router: RouterGroup<APIContext>) {
    router.get("storages") { request, _ in
      try request.onlyQuery([])
      return Response.json(ListOf(try await host.storages().map { StorageView($0) }))
    }
    router.post("storages") { request, context in
      try request.onlyQuery([])
      let wish = try await request.decoded(as: StorageCreate.self)
      try await checkConsent(wish.type, wish.consent)
      let change = try await host.addStorage(
        wish.storeid, type: wish.type, values: Self.values(wish.properties, wish.secrets), digest: wish.digest,
        Caller(request, context))
      return Response.json(try await created(wish.storeid, change), status: .created)
    }
    router.get("storages/:storeid") { request, context in
      try request.onlyQuery([])
      return Response.json(StorageView(try await host.storage(context.storeid())))
    }
    router.patch("storages/:storeid") { request, context in
      try request.onlyQuery([])
      let storeid = try context.storeid()
      let wish = try await request.decoded(as: StorageUpdate.self)
      let caller = try Caller(request, context)
      if let consent = wish.consent {
        try await checkConsent(try await host.storage(storeid).type, consent)
        try await host.consent(storeid, caller)
      }
      guard !(wish.set.isEmpty && wish.delete.isEmpty && wish.secrets.isEmpty) else {
        return Response.json(StorageCreated(storage: StorageView(try await host.storage(storeid))))
      }
      let change = try await host.updateStorage(
        storeid, values: Self.values(wish.set, wish.secrets), deleting: wish.delete, digest: wish.digest, caller)
      return Response.json(try await created(storeid, change))
    }
    router.delete("storages/:storeid") { request, context in
      try request.onlyQuery(["digest"])
      try await host.removeStorage(context.storeid(), digest: request.query("digest"), Caller(request, context))
      return Response.done
    }
  }

  /// Properties and secrets as the host takes them: together; it knows which are which.
  private static func values(_ properties: JSONObject, _ secrets: [String: String]) -> JSONObject {
    var values = properties
    for (name, value) in secrets { values[name] = .string(value) }
    return values
  }

  private func created(_ storeid: String, _ change: StorageHost.StorageChange) async throws -> StorageCreated {
    let summary: StorageSummary
    if let storage = change.storage { summary = storage } else { summary = try await host.storage(storeid) }
    return StorageCreated(storage: StorageView(summary), show: change.show)
  }

  /// Consent is to the permissions of exactly the bundle the administrator was shown.
  private func checkConsent(_ type: String, _ consent: String?) async throws {
    guard let plugin = await host.plugins().first(where: { $0.problem == nil && $0.types.contains(type) }) else {
      return
    }
    guard !plugin.permissions.isEmpty, consent != plugin.digest else { return }
    let asked = plugin.permissions.joined(separator: "; ")
    throw Problem(
      status: 409, symbol: "CONSENT_REQUIRED",
      detail: consent == nil
        ? "the plugin asks for permissions nobody has allowed: \(asked)"
        : "the plugin is another than the one consent was given to; it asks for: \(asked)",
      place: plugin.id ?? type, hint: "show them to the administrator, then send its `digest` as `consent`",
      data: ["permissions": plugin.permissions.json(), "digest": plugin.digest.json()])
  }
}
