// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import JSON
public import ManagementTypes
public import NIOCore
internal import NIOHTTP1
internal import NIOPosix

extension BerthClient {
  /// Lends the daemon a descriptor, for one ``Change/export(_:_:to:)`` or ``Change/importVolume(_:_:from:)``.
  /// - Returns: nil when this daemon does not take it: ``export(_:_:to:)`` and
  ///   ``importVolume(_:_:from:idempotencyKey:)`` do without.
  public func lend(_ descriptor: Int32) async -> DescriptorLoan? {
    let path = SocketName.descriptors(beside: socket)
    // Only a pool that was shut down throws: then there is no loan.
    return try? await NIOThreadPool.singleton.runIfActive { DescriptorLoan.make(descriptor, socket: path) }
  }

  /// Reads a volume as a stream.
  ///
  /// Nothing is buffered whole: each part goes to `sink` before the next is read. The end of the bytes proves nothing
  /// by itself, so the daemon is asked for the outcome, and the count is compared.
  /// - Parameters:
  ///   - digest: `crc32` or `sha256`; computed on both sides of the plugin.
  ///   - sink: gets the bytes in order; what it throws ends the export.
  /// - Throws: `.broken` when the stream ended early: what the sink got must not be used.
  public func export(
    _ volid: String, _ options: ExportOptions, to sink: (ByteBuffer) async throws -> Void
  ) async throws(ClientError) -> TransferView {
    let response = try await execute(request(.get, APIPath("volumes", volid, "export").options(options)))
    guard response.status.code == 200 else {
      try check(response, try await collect(response))
      throw ClientError(.badAnswer, "unexpected status \(response.status.code)", place: socket)
    }
    guard let transfer = response.headers.first(name: HeaderName.transfer) else {
      throw ClientError(.badAnswer, "the answer names no transfer", place: socket)
    }
    var count: Int64 = 0
    var parts = response.body.makeAsyncIterator()
    while true {
      let part: ByteBuffer?
      do { part = try await parts.next() } catch {
        // The daemon breaks the stream off when the export failed; it knows why.
        _ = try await outcome(of: transfer)
        throw ClientError(
          .broken, "the stream broke off after \(count) bytes: \(error)", place: volid,
          hint: "do not use what was received; export again")
      }
      guard let part else { break }
      count += Int64(part.readableBytes)
      do { try await sink(part) } catch {
        throw error as? ClientError ?? ClientError(.local, "the stream cannot be kept: \(error)", place: volid)
      }
    }
    let report = try await outcome(of: transfer)
    guard report.bytes == count else {
      throw ClientError(
        .broken, "\(count) bytes arrived but the plugin sent \(report.bytes)", place: volid,
        hint: "do not use what was received; export again")
    }
    return report
  }

  private func outcome(of transfer: String) async throws(ClientError) -> TransferView {
    try await send(.get, APIPath("transfers", transfer))
  }

  /// Makes a volume from a stream.
  /// - Parameters:
  ///   - parts: the stream's bytes; their end must be its true end, so what throws in there cancels the import.
  public func importVolume<Parts: AsyncSequence & Sendable>(
    _ storeid: String, _ options: ImportOptions, from parts: Parts, idempotencyKey: String? = nil
  ) async throws(ClientError) -> TransferView where Parts.Element == ByteBuffer {
    var request = self.request(.post, APIPath("storages", storeid, "import").options(options))
    request.headers.add(name: "Content-Type", value: "application/octet-stream")
    if let idempotencyKey { request.headers.add(name: HeaderName.idempotencyKey, value: idempotencyKey) }
    request.body = .stream(parts, length: .unknown)
    let response = try await execute(request)
    let bytes = try await collect(response)
    try check(response, bytes)
    do { return try TransferView(json: try parse(bytes)) } catch let error as ClientError { throw error } catch {
      throw ClientError(.badAnswer, "the answer to the import is not understood: \(error)", place: socket)
    }
  }
}
