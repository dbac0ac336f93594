// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import JSON

/// Tells a repeated request from a different one with the same idempotency key.
enum Fingerprint {
  /// SHA-256 over method, storage and arguments, whatever order the arguments came in.
  static func of(_ method: String, _ storeid: String, _ request: JSONObject) -> String {
    let value: JSON = [.string(method), .string(storeid), canonical(.object(request))]
    return SHA256.hash(data: value.bytes()).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  private static func canonical(_ value: JSON) -> JSON {
    switch value {
    case .object(let object): .object(JSONObject(lastWins: object.sorted.map { ($0.key, canonical($0.value)) }))
    case .array(let elements): .array(elements.map(canonical))
    default: value
    }
  }
}
