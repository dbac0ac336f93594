// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import PluginSandbox
public import StorageProtocol

/// Everything that shapes one supervised plugin instance, besides what starts it and what serves it.
public struct InstanceConfiguration: Sendable {
  /// The checked bundle it runs.
  public var bundle: PluginBundle
  /// Keeps copies of bundles to start from when they are gone; nil: there are none.
  public var copies: BundleStore?
  /// The storage it serves; nil when one process serves all storages of the plugin.
  public var storeid: String?
  /// The storage's type; with `storeid`.
  public var storageType: String?
  /// Names of properties that `host.secret.get` may ask for: those the schema declares sensitive.
  public var secretNames: Set<String> = []
  /// `host.*` methods granted; all others answer HOST_DENIED.
  public var hostServices: Set<String> = ["host.log", "host.config.read", "host.secret.get"]
  /// With a process for several storages: what each of them may ask of the host now, by its id. Then a request counts as
  /// that of its parent's storage, and what stands here takes the place of `secretNames` and `hostServices`.
  public var sharedAccess: (@Sendable () async -> [String: StorageAccess])?
  /// Asked at each start: those of `hostServices` that the new child is not offered, because the plugin works without
  /// them and they cannot be done as the host runs now.
  public var withheldServices: @Sendable () async -> Set<String> = { [] }
  /// Who the host says it is.
  public var host: HostInfo
  /// Protocol versions the host speaks.
  public var protocolVersions = ProtocolVersionRange.supported
  /// Where the streams' FIFOs are made on the host; `/streams` inside. nil: no streams.
  public var streamsPath: String?

  /// Longest message accepted, in bytes.
  public var maxMessageBytes = 4 << 20
  /// Calls at once, whatever the plugin offers.
  public var maxInFlight = 64
  /// Calls that may wait for their turn; more are refused as OVERLOADED.
  public var maxWaiting = 256

  /// When a crashed child may start again.
  public var restart = RestartPolicy()
  /// From the start of the process to the end of the handshake.
  public var handshakeTimeout: Duration = .seconds(10)
  /// Time to answer a `$/cancel` before the child is ended.
  public var cancelGrace: Duration = .seconds(10)
  /// Time to answer `shutdown`, and then to exit after the end of its input.
  public var shutdownTimeout: Duration = .seconds(5)
  /// Time between SIGTERM and the kill of the whole cgroup.
  public var terminateGrace: Duration = .seconds(5)
  /// Time for killed processes to be gone before they count as unreapable.
  public var killDeadline: Duration = .seconds(10)
  /// A child without use for so long is stopped; nil keeps it.
  public var idleLimit: Duration? = .seconds(300)
  /// How often a long-running call owes a sign of life; three missed count as hung.
  public var heartbeatInterval: Duration = .seconds(15)

  public init(
    bundle: PluginBundle, storeid: String?, storageType: String?, host: HostInfo, streamsPath: String? = nil
  ) {
    self.bundle = bundle
    self.storeid = storeid
    self.storageType = storageType
    self.host = host
    self.streamsPath = streamsPath
  }

  /// `plugin org.example.dir (storage local)`, for messages.
  var name: String {
    storeid.map { "plugin \(bundle.id) (storage \($0))" } ?? "plugin \(bundle.id)"
  }
}

/// What a plugin may ask of the host on behalf of one storage.
public struct StorageAccess: Sendable {
  /// What the storage was granted.
  public var permissions: Permissions
  /// `host.*` methods granted.
  public var hostServices: Set<String>
  /// Names of properties that `host.secret.get` may ask for.
  public var secretNames: Set<String>

  public init(permissions: Permissions = Permissions(), hostServices: Set<String> = [], secretNames: Set<String> = []) {
    self.permissions = permissions
    self.hostServices = hostServices
    self.secretNames = secretNames
  }
}

/// How one call is made, besides its arguments.
public struct CallOptions: Sendable {
  /// The caller's deadline; the smallest of it, the lock's budget and the method's default counts.
  public var timeout: Duration?
  /// How long the lock allows the call to take; nil without a lock.
  public var lockBudget: Duration?
  /// Whether the call counts as use: the host's own looks at a storage do not keep its child from being idle.
  public var isUse = true
  /// Whether the call may wait for a crashed plugin's next start, when that comes before the deadline.
  public var waitsForRestart = true
  /// How often a call that may be repeated (idempotent by its method, or under an idempotency key) is sent again, with the
  /// same key, when the plugin crashed before it answered. 0: the caller decides.
  public var replaysAfterCrash = 0
  /// Told of progress and heartbeats, at most five a second; must not block.
  public var onProgress: (@Sendable (PluginProgress) -> Void)?

  public init(
    timeout: Duration? = nil, lockBudget: Duration? = nil, onProgress: (@Sendable (PluginProgress) -> Void)? = nil
  ) {
    self.timeout = timeout
    self.lockBudget = lockBudget
    self.onProgress = onProgress
  }
}
