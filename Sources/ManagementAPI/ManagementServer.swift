// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
public import Logging
internal import ManagementTypes
internal import NIOCore
public import ServiceLifecycle
public import StorageHost

/// The management API over a Unix socket, as a service: runs until it is told to stop, then lets running requests end.
public struct ManagementServer: Service {
  private let socket: ManagementSocket
  private let descriptorSocket: ManagementSocket
  private let desk: DescriptorDesk
  private let application: Application<RouterResponder<APIContext>>

  /// - Parameters:
  ///   - policy: who may use it.
  /// - Throws: when there is no thread for the descriptor socket.
  public init(
    host: StorageHost, socket: ManagementSocket, policy: PeerPolicy, metrics: PrometheusMetrics, facts: DaemonFacts,
    logger: Logger
  ) throws {
    self.socket = socket
    descriptorSocket = ManagementSocket(path: SocketName.descriptors(beside: socket.path), gid: socket.gid)
    desk = try DescriptorDesk(policy: policy)
    let router = Self.router(
      host: host, policy: policy, metrics: metrics, facts: facts, desk: desk,
      identify: { await PeerCredentials.read($0.channel) })
    application = Application(
      responder: router.buildResponder(),
      configuration: ApplicationConfiguration(
        address: .unixDomainSocket(path: socket.path), serverName: "berthd/\(facts.version)"),
      onServerRunning: { _ in
        do { try socket.open() } catch {
          logger.error("the socket stays closed to the group", metadata: ["error": "\(error)"])
        }
      }, logger: logger)
  }

  /// The routes with everything around them.
  /// - Parameter identify: how a request's peer is found.
  static func router(
    host: StorageHost, policy: PeerPolicy, metrics: PrometheusMetrics, facts: DaemonFacts, desk: DescriptorDesk,
    identify: @escaping @Sendable (APIContext) async -> Peer?
  ) -> Router<APIContext> {
    let router = Router(context: APIContext.self)
    router.add(middleware: MetricsMiddleware())
    router.add(middleware: ProblemMiddleware())
    router.add(middleware: PeerMiddleware(policy: policy, identify: identify))
    let group = router.group(RouterPath(APIPath.prefix))
    SystemRoutes(host: host, metrics: metrics, facts: facts).add(to: group)
    PluginRoutes(host: host).add(to: group)
    StorageRoutes(host: host).add(to: group)
    VolumeRoutes(host: host).add(to: group)
    SnapshotRoutes(host: host).add(to: group)
    TransferRoutes(host: host, board: TransferBoard(), desk: desk).add(to: group)
    JobRoutes(host: host).add(to: group)
    return router
  }

  public func run() async throws {
    try socket.prepare()
    try desk.open(descriptorSocket)
    // The desk itself stays: transfers under way keep their descriptors while the host lets them end.
    defer {
      descriptorSocket.remove()
      socket.remove()
    }
    try await withThrowingTaskGroup(of: End.self) { group in
      group.addTask { [application] in
        try await application.run()
        return .served
      }
      group.addTask {
        try await gracefulShutdown()
        try await Task.sleep(for: Self.patience)
        return .cutOff
      }
      let end = try await group.next()
      group.cancelAll()
      // Who is cut off says so with an error, which is no news.
      if end == .cutOff { while let result = await group.nextResult() { _ = result } }
    }
  }

  /// How long connections may take to end once the jobs have ended: a reader that stands still keeps nobody waiting.
  static let patience = Duration.seconds(2)

  private enum End {
    case served
    case cutOff
  }
}
