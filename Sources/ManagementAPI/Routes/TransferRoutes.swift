// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import ManagementTypes
internal import PluginSupervisor
internal import StorageHost
internal import StorageProtocol

/// `/volumes/VOLID/export`, `/storages/ID/import`, `/volumes/VOLID/copy`, `/volumes/VOLID/move`, `/transfers`
struct TransferRoutes {
  let host: StorageHost
  let board: TransferBoard
  let desk: DescriptorDesk
  private var work: JobAnswer { JobAnswer(host: host) }

  func add(to router: RouterGroup<APIContext>) {
    router.get("volumes/:volid/export") { request, context in try await export(request, context) }
    router.post("volumes/:volid/export") { request, context in try await exportToDescriptor(request, context) }
    router.get("volumes/:volid/formats") { request, context in
      try request.onlyQuery(["snapshot", "base"])
      let volume = try context.volume()
      let formats = try await host.exportFormats(
        volume.storeid, volume.volname, options(request), Caller(request, context))
      return Response.json(ListOf(formats))
    }
    router.get("transfers/:transfer") { request, context in
      try request.onlyQuery([])
      return Response.json(try await board.outcome(context.parameter("transfer")))
    }
    router.post("storages/:storeid/import") { request, context in try await importVolume(request, context) }
    router.post("volumes/:volid/copy") { request, context in try await copy(request, context, moves: false) }
    router.post("volumes/:volid/move") { request, context in try await copy(request, context, moves: true) }
  }

  private func options(_ request: Request) throws -> TransferOptions {
    var digest: DigestAlgorithm?
    if let name = request.query("digest") {
      guard let known = DigestAlgorithm(rawValue: name) else { throw Problem.query("digest", "crc32 or sha256") }
      digest = known
    }
    return TransferOptions(
      snapname: request.query("snapshot"), baseSnapshot: request.query("base"),
      withSnapshots: try request.flag("with-snapshots"), digest: digest)
  }

  private func format(_ request: Request) throws -> String {
    guard let format = request.query("format") else {
      throw Problem.query("format", "a stream format such as raw+size")
    }
    return format
  }

  private func export(_ request: Request, _ context: APIContext) async throws -> Response {
    try request.onlyQuery(["format", "snapshot", "base", "with-snapshots", "digest"])
    let volume = try context.volume()
    let (wanted, how) = (try format(request), try options(request))
    var asker = try Caller(request, context)
    // Data that went to one reader cannot be had again by its key.
    asker.idempotencyKey = nil
    let caller = asker
    let stream = ExportStream(board: board) { [host] sink throws(Problem) in
      do {
        let report = try await host.attached(
          .export(volume.storeid, volume.volname, format: wanted, to: .bytes(sink), how), caller)
        return try TransferView(json: report)
      } catch { throw Problem.describing(error) }
    }
    // What fails before the first byte is an ordinary problem; later the stream breaks off.
    try await stream.start()
    var headers = HTTPFields()
    headers[.contentType] = "application/octet-stream"
    if let name = HTTPField.Name(HeaderName.transfer) { headers[name] = stream.id }
    headers[.trailer] = [HeaderName.streamState, HeaderName.streamBytes, HeaderName.streamDigest].joined(
      separator: ", ")
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        do {
          while let part = try await stream.next() { try await writer.write(part) }
        } catch {
          stream.cancel()
          throw error
        }
        let report = try await stream.outcome()
        var trailers = HTTPFields()
        if let name = HTTPField.Name(HeaderName.streamState) { trailers[name] = "complete" }
        if let name = HTTPField.Name(HeaderName.streamBytes) { trailers[name] = String(report.bytes) }
        if let name = HTTPField.Name(HeaderName.streamDigest) { trailers[name] = report.digest }
        try await writer.finish(trailers)
      })
  }

  /// The descriptor a request names.
  private func lent(_ request: Request, _ context: APIContext) throws(Problem) -> LentDescriptor? {
    guard let ticket = request.query("descriptor"), let peer = context.peer else { return nil }
    return try desk.take(ticket, by: peer)
  }

  private func exportToDescriptor(_ request: Request, _ context: APIContext) async throws -> Response {
    try request.onlyQuery(["format", "snapshot", "base", "with-snapshots", "digest", "descriptor", "wait"])
    let volume = try context.volume()
    let (wanted, how) = (try format(request), try options(request))
    guard let lent = try lent(request, context) else {
      throw Problem.query("descriptor", "a ticket of the descriptor socket; GET answers with the stream itself")
    }
    return try await work.answer(
      request, context, .export(volume.storeid, volume.volname, format: wanted, to: .descriptor(lent.raw), how),
      lent: lent)
  }

  private func importVolume(_ request: Request, _ context: APIContext) async throws -> Response {
    try request.onlyQuery([
      "format", "name", "vmid", "snapshot", "base", "rename", "with-snapshots", "digest", "image-format", "descriptor",
      "wait",
    ])
    let storeid = try context.storeid()
    let target: ImportTarget
    if let name = request.query("name") {
      target = .volume(name, mayRename: try request.flag("rename"))
    } else if let vmid = try request.query("vmid", in: 1...999_999_999) {
      target = .newDisk(vmid: Int(vmid), format: request.query("image-format"))
    } else {
      throw Problem.query("vmid", "given, or a name: what is the volume to be called?")
    }
    let (wanted, how) = (try format(request), try options(request))
    if let lent = try lent(request, context) {
      return try await work.answer(
        request, context, .import(storeid, target, format: wanted, from: .descriptor(lent.raw), how), status: .created,
        lent: lent)
    }
    guard request.query("wait") == nil else {
      throw Problem.query("wait", "absent: the data goes through this request")
    }
    let reader = BodyReader(request)
    let report = try await host.attached(
      .import(storeid, target, format: wanted, from: .bytes { try await reader.next() }, how),
      Caller(request, context))
    return Response.json(report, status: .created)
  }

  private func copy(_ request: Request, _ context: APIContext, moves: Bool) async throws -> Response {
    try request.onlyQuery(["wait"])
    let volume = try context.volume()
    let wish = try await request.decoded(as: VolumeCopy.self)
    let options = TransferOptions(
      snapname: wish.snapshot, baseSnapshot: wish.base, withSnapshots: wish.withSnapshots, format: wish.format,
      bytesPerSecond: wish.bandwidth)
    let target: ImportTarget? =
      if let name = wish.name {
        .volume(name, mayRename: false)
      } else if let vmid = wish.vmid {
        .newDisk(vmid: vmid, format: nil)
      } else { nil }
    return try await work.answer(
      request, context,
      moves
        ? .move(volume.storeid, volume.volname, to: wish.storeid, target, options)
        : .copy(volume.storeid, volume.volname, to: wish.storeid, target, options),
      status: .created)
  }
}
