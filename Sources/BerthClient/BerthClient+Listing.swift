// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import JSON
public import ManagementTypes
internal import NIOCore
internal import NIOHTTP1

extension BerthClient {
  /// All volumes of a storage in one request, each handed on as it comes: a long listing is held nowhere.
  /// - Parameters:
  ///   - content: only these content types, separated by commas; all without.
  ///   - body: gets the volumes in the plugin's order; what it throws ends the listing.
  /// - Throws: `.broken` when the listing ended early.
  public func eachVolume(
    _ storeid: String, vmid: Int? = nil, content: String? = nil, _ body: (VolumeView) async throws -> Void
  ) async throws {
    var request = self.request(
      .get,
      APIPath("storages", storeid, "volumes").query("vmid", vmid.map(Int64.init)).query("content", content))
    request.headers.replaceOrAdd(name: "Accept", value: "application/x-ndjson")
    let response = try await execute(request)
    guard response.status.code == 200 else {
      try check(response, try await collect(response))
      throw ClientError(.badAnswer, "unexpected status \(response.status.code)", place: socket)
    }
    var rest: [UInt8] = []
    var parts = response.body.makeAsyncIterator()
    while true {
      let part: ByteBuffer?
      do { part = try await parts.next() } catch {
        throw ClientError(
          .broken, "the listing broke off: \(error)", place: storeid,
          hint: "list again; the daemon's log says why the plugin's answer ended")
      }
      guard let part else { break }
      rest.append(contentsOf: part.readableBytesView)
      var start = rest.startIndex
      while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
        try await body(try volume(Array(rest[start..<end])))
        start = end + 1
      }
      rest.removeSubrange(..<start)
      guard rest.count <= Self.lineLimit else {
        throw ClientError(.badAnswer, "a line of the listing is longer than \(Self.lineLimit) bytes", place: socket)
      }
    }
    guard rest.isEmpty else { throw ClientError(.broken, "the listing's last line is cut off", place: storeid) }
  }

  /// Most bytes of one volume's line.
  private static let lineLimit = 1 << 20

  private func volume(_ line: [UInt8]) throws(ClientError) -> VolumeView {
    do { return try VolumeView(json: JSON.parse(line)) } catch {
      throw ClientError(.badAnswer, "a line of the listing is not understood: \(error)", place: socket)
    }
  }
}
