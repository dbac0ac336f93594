// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import Logging
internal import ManagementAPI
internal import Metrics
internal import PluginSandbox
internal import ServiceLifecycle
internal import StorageHost
internal import StorageProtocol
internal import UnixSignals

/// The running daemon: everything wired together.
struct Daemon {
  let options: Berthd
  let stateDirectory: String
  let runDirectory: String

  init(_ options: Berthd) throws {
    self.options = options
    stateDirectory = Daemon.absolute(options.stateDir)
    runDirectory = Daemon.absolute(options.runDir)
  }

  func run() async throws {
    // Ends no daemon that is still starting: from then on it asks for a new look at the plugins.
    signal(SIGHUP, SIG_IGN)
    // A plugin or client that goes away is an error of that write, not the daemon's end.
    _ = berth_ignore_sigpipe()
    _ = berth_raise_descriptor_limit()
    // Nothing the daemon makes is writable by others, whatever the shell that started it says.
    umask(0o027)
    setenv("TZ", ":/etc/localtime", 0)
    let metrics = PrometheusMetrics()
    MetricsSystem.bootstrap(metrics)
    LoggingSystem.bootstrap(StreamLogHandler.standardError)
    var logger = Logger(label: "berthd")
    logger.logLevel = options.logLevel.level

    let group = Daemon.group(options.socketGroup)
    let socket = ManagementSocket(path: runDirectory + "/berth.sock", gid: group)
    try socket.prepare()
    let warnings = try await sandboxWarnings(logger)
    let host = try await StorageHost.open(settings(logger))
    do {
      try openRunDirectory(group)
      try await serve(host, socket, metrics, warnings, logger)
    } catch {
      await host.close(grace: .zero)
      throw error
    }
  }

  private func serve(
    _ host: StorageHost, _ socket: ManagementSocket, _ metrics: PrometheusMetrics, _ warnings: [String],
    _ logger: Logger
  ) async throws {
    let group = socket.gid
    let facts = DaemonFacts(
      version: DaemonDefaults.version, protocolVersion: "\(ProtocolVersionRange.supported.max)", pid: Int(getpid()),
      started: .now, warnings: warnings)
    let server = try ManagementServer(
      host: host, socket: socket,
      policy: PeerPolicy(uids: [0, geteuid()], gid: group, group: options.socketGroup), metrics: metrics,
      facts: facts, logger: logger)
    var configuration = ServiceGroupConfiguration(
      services: [
        HostService(host: host), server, DrainService(host: host, grace: .seconds(options.grace)),
        RescanService(host: host, logger: logger),
      ],
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    // The last to be begun ends first: jobs (exports too: their readers see a broken stream, never a short one), then the
    // connections, then plugins and journal. Each has a limit of its own; this one is for what nobody thought of.
    configuration.maximumGracefulShutdownDuration = .seconds(2 * options.grace + 30)
    logger.notice(
      "berthd is ready", metadata: ["socket": "\(socket.path)", "state": "\(stateDirectory)", "pid": "\(getpid())"])
    try await ServiceGroup(configuration: configuration).run()
    logger.notice("berthd has stopped")
  }

  private func settings(_ logger: Logger) -> HostSettings {
    let directories = options.pluginDir.isEmpty ? DaemonDefaults.pluginDirectories : options.pluginDir
    var settings = HostSettings(
      stateDirectory: stateDirectory, runDirectory: runDirectory,
      pluginDirectories: directories.map(Daemon.absolute), launcher: options.launcher.map(Daemon.absolute),
      isPrivileged: geteuid() == 0 || options.launcherSocket != nil, node: options.node, logger: logger)
    settings.launcherSocket = options.launcherSocket.map(Daemon.absolute)
    settings.scope = scope
    return settings
  }

  private var scope: String { Launcher.scope(stateDirectory: stateDirectory) }

  /// Looks what the sandbox can do here.
  /// - Throws: when a layer every plugin must have is missing and the policy requires it.
  private func sandboxWarnings(_ logger: Logger) async throws -> [String] {
    let report: CapabilityReport
    do throws(SandboxError) {
      let transport: Launcher.Transport
      if let socket = options.launcherSocket {
        transport = .server(socket: socket)
      } else {
        // Not `??`: its closure would widen what is thrown.
        if let program = options.launcher {
          transport = .program(path: program)
        } else {
          transport = .program(path: try Launcher.defaultProgram())
        }
      }
      report = try await Launcher(transport: transport, scope: scope).probe()
    } catch {
      guard options.sandbox == .required else { return ["the sandbox cannot be judged: \(error)"] }
      throw error
    }
    logger.info("sandbox", metadata: ["layers": "\(report.summary)"])
    if !report.isSufficient && options.sandbox == .required {
      throw StartFailure(
        message: "plugins cannot be confined on this machine: \(report.summary)", place: "the sandbox",
        hint: "provide what is missing, or start with --sandbox best-effort: then such plugins do not start")
    }
    return report.mode == .privileged && report.missing.isEmpty ? [] : ["sandbox: \(report.summary)"]
  }

  /// Lets the group's members reach the socket, and nobody else.
  private func openRunDirectory(_ group: gid_t?) throws {
    if let group, geteuid() == 0, chown(runDirectory, uid_t.max, group) != 0 {
      throw StartFailure(
        message: "cannot give the run directory to the group: \(String(cString: strerror(errno)))",
        place: runDirectory, hint: "choose another --run-dir")
    }
    guard chmod(runDirectory, 0o750) == 0 else {
      throw StartFailure(
        message: "cannot set the run directory's mode: \(String(cString: strerror(errno)))", place: runDirectory,
        hint: "choose a --run-dir of this user's own")
    }
  }

  /// The id of a group of this machine; nil when there is none of that name.
  private static func group(_ name: String) -> gid_t? {
    var entry = Glibc.group()
    var result: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: 64 << 10)
    guard getgrnam_r(name, &entry, &buffer, buffer.count, &result) == 0, result != nil else { return nil }
    return entry.gr_gid
  }

  /// The path from the root, without its trailing slash.
  private static func absolute(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if path.hasPrefix("/") { return path }
    guard let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    return String(cString: current) + "/" + path
  }
}
