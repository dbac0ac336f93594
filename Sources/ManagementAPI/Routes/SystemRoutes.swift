// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import Jobs
internal import ManagementTypes
internal import StorageHost

/// `/version`, `/health`, `/metrics`, `/locks`, `/reconcile`, `/config`
struct SystemRoutes {
  let host: StorageHost
  let metrics: PrometheusMetrics
  let facts: DaemonFacts

  func add(to router: RouterGroup<APIContext>) {
    router.get("version") { _, _ in
      Response.json(VersionInfo(version: facts.version, api: 1, protocolVersion: facts.protocolVersion))
    }
    router.get("health") { _, _ in
      let storages = try await host.storages()
      let broken = storages.filter { $0.problem != nil }
      let refused = await host.refusedUpdates().map { "plugin \($0.key): its update is refused: \($0.value)" }
      return Response.json(
        HealthView(
          state: "running", pid: facts.pid, uptimeMs: Int64(facts.started.duration(to: .now) / .milliseconds(1)),
          sandbox: host.settings.isPrivileged ? "privileged" : "unprivileged", storages: storages.count,
          usable: storages.count - broken.count,
          warnings: facts.warnings + refused.sorted() + broken.map { "storage \($0.storeid): \($0.problem ?? "")" }))
    }
    router.get("metrics") { _, _ in
      var headers = HTTPFields()
      headers[.contentType] = PrometheusText.mediaType
      let text = metrics.text() + PluginFigures.text(await host.processes())
      return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
    router.get("locks") { request, _ in
      try request.onlyQuery([])
      return Response.json(ListOf(await host.lockList().map { LockView($0) }))
    }
    router.post("reconcile") { request, context in
      try request.onlyQuery(["storeid"])
      let report = try await host.reconcile(request.query("storeid"), Caller(request, context))
      return Response.json(ListOf(report.items.map { ReconcileItem($0) }))
    }
    router.post("reconcile/:operation/dismiss") { request, context in
      try request.onlyQuery([])
      let id = OperationID(rawValue: try context.parameter("operation"))
      return Response.json(ReconcileItem(try await host.dismiss(id, Caller(request, context))))
    }
    router.post("config/import") { request, context in
      try request.onlyQuery(["dry-run"])
      let wish = try await request.decoded(as: ConfigTakeover.self)
      let report = try await host.importConfig(
        ConfigImport(
          text: Array(wish.text.utf8), secrets: wish.secrets, consents: Set(wish.consent),
          skipsExisting: wish.skipExisting, digest: wish.digest),
        isDryRun: request.flag("dry-run"), Caller(request, context))
      return Response.json(report)
    }
    router.get("config/digest") { request, _ in
      try request.onlyQuery([])
      return Response.json(
        ConfigDigest(digest: try await host.configDigest(), path: host.settings.stateDirectory + "/storage.cfg"))
    }
  }
}
