// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
public import JSON
public import ManagementTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Talks to a running `berthd` over its Unix socket.
///
/// Every call answers with the daemon's result or a ``ClientError`` that says what, where and what to do. A client
/// keeps its connections; call ``shutdown()`` when done with it, or use ``with(socket:_:)``.
public struct BerthClient: Sendable {
  /// The daemon's socket.
  public let socket: String
  let http: HTTPClient

  /// A method of the API's.
  public enum Method: String, Sendable, Hashable {
    case get = "GET"
    case post = "POST"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  public init(socket: String) {
    self.socket = socket
    var configuration = HTTPClient.Configuration()
    configuration.timeout.connect = .seconds(5)
    // The daemon may be at work for hours before it answers; it dies with its connection, so nothing waits forever.
    configuration.timeout.read = nil
    // A daemon that is not there will not be there a moment later either: say so at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    // Each request that waits for a hung storage keeps a connection: the others must not have to wait for those.
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
    configuration.redirectConfiguration = .disallow
    http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Closes the connections.
  public func shutdown() async { try? await http.shutdown() }

  /// Runs the body with a client that is shut down afterwards.
  public static func with<R: Sendable, E: Error>(
    socket: String, _ body: (BerthClient) async throws(E) -> R
  ) async throws(E) -> R {
    let client = BerthClient(socket: socket)
    do throws(E) {
      let result = try await body(client)
      await client.shutdown()
      return result
    } catch {
      await client.shutdown()
      throw error
    }
  }

  /// Sends a request and reads the whole answer.
  /// - Parameters:
  ///   - body: sent as JSON.
  ///   - idempotencyKey: makes it safe to send the same change again; the first answer comes back.
  public func send<Answer: JSONDecodable>(
    _ method: Method, _ path: APIPath, body: (any JSONEncodable)? = nil, idempotencyKey: String? = nil,
    as type: Answer.Type = Answer.self
  ) async throws(ClientError) -> Answer {
    let json = try await sendRaw(method, path, body: body, idempotencyKey: idempotencyKey).body
    do { return try Answer(json: json ?? .null) } catch {
      throw ClientError(
        .badAnswer, "the daemon's answer to \(method.rawValue) \(path) is not understood: \(error)", place: socket,
        hint: "the two may be of different versions: compare `berth version` with `berth daemon status`")
    }
  }

  /// Sends a request whose answer holds nothing of interest.
  public func send(
    _ method: Method, _ path: APIPath, body: (any JSONEncodable)? = nil, idempotencyKey: String? = nil
  ) async throws(ClientError) {
    _ = try await sendRaw(method, path, body: body, idempotencyKey: idempotencyKey)
  }

  /// The daemon's figures as Prometheus text.
  public func metrics() async throws(ClientError) -> String {
    let response = try await execute(request(.get, APIPath("metrics")))
    let bytes = try await collect(response)
    try check(response, bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Most bytes of an answer that is no stream.
  static let answerLimit = 64 << 20

  func sendRaw(
    _ method: Method, _ path: APIPath, body: (any JSONEncodable)?, idempotencyKey: String?
  ) async throws(ClientError) -> (status: Int, body: JSON?) {
    var request = self.request(method, path)
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: body.json().bytes()))
    }
    if let idempotencyKey { request.headers.add(name: HeaderName.idempotencyKey, value: idempotencyKey) }
    let response = try await execute(request)
    let bytes = try await collect(response)
    try check(response, bytes)
    let status = Int(response.status.code)
    guard !bytes.isEmpty else { return (status, nil) }
    return (status, try parse(bytes))
  }

  func request(_ method: Method, _ path: APIPath) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: "http+unix://\(APIPath.encode(socket))\(path)")
    request.method = HTTPMethod(rawValue: method.rawValue)
    request.headers.add(name: "Accept", value: "application/json")
    return request
  }

  func execute(_ request: HTTPClientRequest) async throws(ClientError) -> HTTPClientResponse {
    do {
      return try await http.execute(request, deadline: .distantFuture)
    } catch {
      throw ClientError.connecting(error, socket: socket)
    }
  }

  func collect(_ response: HTTPClientResponse) async throws(ClientError) -> [UInt8] {
    do {
      return Array(buffer: try await response.body.collect(upTo: Self.answerLimit))
    } catch {
      throw ClientError(
        .broken, "the connection broke while the answer came in: \(error)", place: socket,
        hint: "the daemon may have stopped; see `berth daemon status` and `berth job list` for what became of it")
    }
  }

  /// Throws what the daemon has to say unless the status is a good one.
  func check(_ response: HTTPClientResponse, _ bytes: [UInt8]) throws(ClientError) {
    guard !(200..<300).contains(response.status.code) else { return }
    if let problem = try? Problem(json: JSON.parse(bytes)) { throw ClientError(problem) }
    throw ClientError(
      .badAnswer, "the answer has status \(response.status.code) and no explanation", place: socket,
      hint: "check that \(socket) belongs to berthd")
  }

  func parse(_ bytes: [UInt8]) throws(ClientError) -> JSON {
    do {
      return try JSON.parse(bytes, limits: JSONLimits(maxBytes: Self.answerLimit))
    } catch {
      throw ClientError(
        .badAnswer, "the answer is no JSON: \(error)", place: socket, hint: "check that \(socket) belongs to berthd")
    }
  }
}
