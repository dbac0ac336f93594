// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSON
import Logging
import StorageHost
import TestSupport
import Testing

@testable import ManagementAPI

/// The whole API in this process, over a real host without plugins.
func withAPI(
  peer: Peer? = Peer(uid: 0, gid: 0, pid: 1), _ body: @Sendable (any TestClientProtocol) async throws -> Void
) async throws {
  let directory = TemporaryDirectory(prefix: "berth-api")
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let host = try await StorageHost.open(
    HostSettings(
      stateDirectory: directory.file("state"), runDirectory: directory.file("run"), pluginDirectories: [],
      isPrivileged: geteuid() == 0, node: "here", logger: logger))
  let policy = PeerPolicy(uids: [0], gid: 50, group: "berth")
  let router = ManagementServer.router(
    host: host, policy: policy, metrics: PrometheusMetrics(),
    facts: DaemonFacts(version: "1.2.3", protocolVersion: "1.0", pid: 7, started: .now),
    desk: try DescriptorDesk(policy: policy), identify: { _ in peer })
  let application = Application(responder: router.buildResponder(), logger: logger)
  do { try await application.test(.router) { client in try await body(client) } } catch {
    await host.close(grace: .zero)
    throw error
  }
  await host.close(grace: .zero)
}

extension TestClientProtocol {
  /// Sends a request; gives the status, the media type and the body as JSON.
  func ask(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, media: String? = "application/json"
  ) async throws -> (status: Int, media: String?, json: JSON?) {
    var headers = HTTPFields()
    if body != nil, let media { headers[.contentType] = media }
    return try await execute(
      uri: "/api/v1" + path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
    ) { response in
      let bytes = Array(buffer: response.body)
      return (response.status.code, response.headers[.contentType], bytes.isEmpty ? nil : try? JSON.parse(bytes))
    }
  }
}
