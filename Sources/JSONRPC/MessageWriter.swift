// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Messages as lines of text, written piece by piece without building a value first.
enum MessageWriter {
  static func request(id: Int64, method: String, params: JSON, into buffer: inout [UInt8]) {
    append(#"{"jsonrpc":"2.0","id":"#, &buffer)
    JSON.int(id).write(into: &buffer)
    append(#","method":"#, &buffer)
    JSON.string(method).write(into: &buffer)
    append(#","params":"#, &buffer)
    params.write(into: &buffer)
    append("}\n", &buffer)
  }

  static func notification(method: String, params: JSON, into buffer: inout [UInt8]) {
    append(#"{"jsonrpc":"2.0","method":"#, &buffer)
    JSON.string(method).write(into: &buffer)
    append(#","params":"#, &buffer)
    params.write(into: &buffer)
    append("}\n", &buffer)
  }

  static func result(id: Int64, _ result: JSON, into buffer: inout [UInt8]) {
    append(#"{"jsonrpc":"2.0","id":"#, &buffer)
    JSON.int(id).write(into: &buffer)
    append(#","result":"#, &buffer)
    result.write(into: &buffer)
    append("}\n", &buffer)
  }

  /// - Parameter id: nil when the request was too broken to tell.
  static func failure(id: Int64?, _ error: RPCError, into buffer: inout [UInt8]) {
    append(#"{"jsonrpc":"2.0","id":"#, &buffer)
    (id.map(JSON.int) ?? .null).write(into: &buffer)
    append(#","error":{"code":"#, &buffer)
    JSON.int(Int64(error.code.rawValue)).write(into: &buffer)
    append(#","message":"#, &buffer)
    JSON.string(error.message).write(into: &buffer)
    if let data = error.data {
      append(#","data":"#, &buffer)
      data.write(into: &buffer)
    }
    append("}}\n", &buffer)
  }

  private static func append(_ text: StaticString, _ buffer: inout [UInt8]) {
    buffer.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}
