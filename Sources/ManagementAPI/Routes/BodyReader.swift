// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import ManagementTypes

/// Hands on a request's body part by part, and tells a body that ended from one that broke off.
actor BodyReader {
  private var iterator: RequestBody.AsyncIterator
  /// What the sender said the body's length is; nil with chunked transfer.
  private let announced: Int64?
  private var count: Int64 = 0

  init(_ request: Request) {
    iterator = request.body.makeAsyncIterator()
    announced = request.headers[.contentLength].flatMap { Int64($0) }
  }

  /// The next part; nil at the true end.
  func next() async throws -> [UInt8]? {
    var copy = iterator
    defer { iterator = copy }
    while true {
      guard let part = try await copy.next(isolation: self) else {
        if let announced, announced != count {
          throw Problem(
            status: 400, symbol: "STREAM_BROKEN", detail: "the body ended after \(count) of \(announced) bytes")
        }
        return nil
      }
      guard part.readableBytes > 0 else { continue }
      count += Int64(part.readableBytes)
      return Array(buffer: part)
    }
  }
}
