// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import JSON
internal import ManagementTypes
internal import StorageHost

/// `/storages` and `/status`
struct StorageRoutes {
  let host: StorageHost
  private var work: JobAnswer { JobAnswer(host: host) }

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
      try request.onlyQuery(["keep", "vmid", "type", "dry-run", "wait"])
      let (storeid, keep, type) = (try context.storeid(), request.query("keep"), request.query("type"))
      let vmid = try request.query("vmid", in: 1...999_999_999).map(Int.init)
      guard try request.flag("dry-run") else {
        return try await work.answer(request, context, .prune(storeid, keep: keep, vmid: vmid, type: type))
      }
      let marks = try await host.prune(
        storeid, keep: keep, vmid: vmid, type: type, isDryRun: true, Caller(request, context))
      return Response.json(["items": marks.json()] as JSON)
    }
    router.post("storages/:storeid/call") { request, context in
      try request.onlyQuery(["wait"])
      let storeid = try context.storeid()
      let wish = try await request.decoded(as: MethodCall.self)
      guard StorageHost.isChange(wish.method) else {
        return Response.json(
          JSON.object(try await host.call(wish.method, on: storeid, wish.arguments, Caller(request, context))))
      }
      return try await work.answer(request, context, .call(storeid, wish.method, wish.arguments))
    }
  }

  private func addConfiguration(to router: RouterGroup<APIContext>) {
    router.get("storages") { request, _ in
      try request.onlyQuery([])
      return Response.json(ListOf(try await host.storages().map { StorageView($0) }))
    }
    router.post("storages") { request, context in
      try request.onlyQuery(["wait"])
      let wish = try await request.decoded(as: StorageCreate.self)
      try await checkConsent(wish.type, wish.consent)
      return try await work.answer(
        request, context,
        .addStorage(
          wish.storeid, type: wish.type, values: Self.values(wish.properties, wish.secrets), digest: wish.digest),
        status: .created)
    }
    router.get("storages/:storeid") { request, context in
      try request.onlyQuery([])
      return Response.json(StorageView(try await host.storage(context.storeid())))
    }
    router.patch("storages/:storeid") { request, context in
      try request.onlyQuery(["wait"])
      let storeid = try context.storeid()
      let wish = try await request.decoded(as: StorageUpdate.self)
      if let consent = wish.consent {
        try await checkConsent(try await host.storage(storeid).type, consent)
        try await host.consent(storeid, try Caller(request, context))
      }
      guard !(wish.set.isEmpty && wish.delete.isEmpty && wish.secrets.isEmpty) else {
        return Response.json(StorageCreated(storage: StorageView(try await host.storage(storeid))))
      }
      return try await work.answer(
        request, context,
        .updateStorage(
          storeid, values: Self.values(wish.set, wish.secrets), deleting: wish.delete, digest: wish.digest))
    }
    router.delete("storages/:storeid") { request, context in
      try request.onlyQuery(["digest", "force", "wait"])
      return try await work.answer(
        request, context,
        .removeStorage(try context.storeid(), digest: request.query("digest"), isForced: request.flag("force")))
    }
  }

  /// Properties and secrets as the host takes them: together; it knows which are which.
  private static func values(_ properties: JSONObject, _ secrets: [String: String]) -> JSONObject {
    var values = properties
    for (name, value) in secrets { values[name] = .string(value) }
    return values
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
