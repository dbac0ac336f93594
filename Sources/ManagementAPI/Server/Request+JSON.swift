// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import ManagementTypes

extension Request {
  /// Most bytes of a request's JSON body.
  static let bodyLimit = 1 << 20

  /// The body as the type; unknown members are refused by the type itself.
  func decoded<Body: JSONDecodable>(as type: Body.Type = Body.self) async throws -> Body {
    let media = headers[.contentType]?.split(separator: ";").first.map { String($0).lowercased() }
    guard media == "application/json" else {
      throw Problem(
        status: 415, symbol: "UNSUPPORTED_MEDIA_TYPE", detail: "the body must be JSON", place: "Content-Type",
        hint: "send `Content-Type: application/json`")
    }
    let bytes: ByteBuffer
    do { bytes = try await body.collect(upTo: Self.bodyLimit) } catch {
      throw Problem(
        status: 413, symbol: "TOO_LARGE", detail: "the body has more than \(Self.bodyLimit) bytes",
        hint: "a body here is a few members; volumes' data goes to the import route")
    }
    return try Body(json: JSON.parse(Array(buffer: bytes), limits: JSONLimits(maxBytes: Self.bodyLimit)))
  }

  /// A query parameter; nil when absent or empty.
  func query(_ name: String) -> String? {
    uri.queryParameters[Substring(name)].map(String.init).flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A query parameter that is a whole number within the range.
  func query(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
    guard let text = query(name) else { return nil }
    guard let value = Int64(text), range.contains(value) else {
      throw .query(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A query parameter that is `true` or `false`; false when absent.
  func flag(_ name: String) throws(Problem) -> Bool {
    switch query(name) {
    case nil, "false", "0": return false
    case "true", "1": return true
    default: throw .query(name, "true or false")
    }
  }

  /// Refuses query parameters other than these: a misspelt one would otherwise change nothing in silence.
  func onlyQuery(_ names: Set<String>) throws(Problem) {
    for (name, _) in uri.queryParameters where !names.contains(String(name)) {
      let known = names.isEmpty ? "none are" : names.sorted().joined(separator: ", ")
      throw Problem(
        status: 400, symbol: "BAD_REQUEST", detail: "the query parameter '\(name)' is unknown here; known: \(known)",
        place: String(name), hint: "docs/api.md says what this route takes")
    }
  }

  /// The key that makes repeating this request safe: 1 to 128 visible ASCII characters.
  func idempotencyKey() throws(Problem) -> String? {
    guard let name = HTTPField.Name(HeaderName.idempotencyKey), let key = headers[name] else { return nil }
    guard (1...128).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw Problem(
        status: 400, symbol: "BAD_REQUEST", detail: "the key must be 1 to 128 visible ASCII characters",
        place: HeaderName.idempotencyKey, hint: "a UUID does well")
    }
    return key
  }
}
