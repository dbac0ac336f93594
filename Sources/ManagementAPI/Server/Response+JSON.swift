// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import JSON

extension Response {
  /// An answer in JSON.
  static func json(_ value: some JSONEncodable, status: HTTPResponse.Status = .ok) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = "application/json"
    headers[.cacheControl] = "no-store"
    return Response(
      status: status, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.json().bytes() + [UInt8(ascii: "\n")])))
  }

  /// An answer without content.
  static var done: Response { Response(status: .noContent) }
}
