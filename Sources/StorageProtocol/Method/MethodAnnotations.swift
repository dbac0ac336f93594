// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What the metamodel says about a method besides its types: everything the host, the checks and the documents go by.
public struct MethodAnnotations: Sendable, Hashable {
  /// Who asks whom.
  public enum Direction: String, Sendable, Hashable, CaseIterable {
    case hostToPlugin = "host-to-plugin"
    case pluginToHost = "plugin-to-host"
    case both
  }

  /// Whether data goes through a stream besides the answer.
  public enum Stream: String, Sendable, Hashable, CaseIterable {
    case none
    /// The plugin writes.
    case export
    /// The plugin reads.
    case `import`
  }

  public let direction: Direction
  /// The chapter of the reference it stands in, such as `images`.
  public let group: String
  /// One sentence.
  public let summary: String
  /// Protocol version that brought it, `MAJOR.MINOR`.
  public let since: String
  /// The method to use instead, when this one is deprecated.
  public let replacedBy: String?
  /// Whether it changes what the storage holds: namespace, contents or configuration.
  public let mutating: Bool
  /// Whether the same call may be sent again without a second effect.
  public let idempotent: Bool
  /// The lock the host holds while it runs.
  public let lock: LockScope
  /// How long it may take when nobody says otherwise.
  public let defaultTimeout: Duration
  /// Whether it shows progress or a heartbeat at least every 15 s.
  public let longRunning: Bool
  public let stream: Stream
  /// Whether its effect is on this node only (activation, mapping): idempotent, never journaled.
  public let nodeLocal: Bool
  /// Members that hold secrets, as paths such as `result/value`.
  public let sensitive: [String]
  /// The capability group, such as `snapshot`.
  public let capability: String
  /// Whether it is ever sent to a plugin; methods that are not are answered by the host or the manifest.
  public let onWire: Bool
  /// Whether every plugin must implement it.
  public let required: Bool
  /// The method of Proxmox VE's plugin API it stands for.
  public let pveMethod: String?
  /// What the host does when a plugin does not implement it; nil when there is nothing to fall back on.
  public let hostDefault: HostDefault?
  /// Every error it may answer with.
  public let errors: [StorageError.Code]

  public init(
    direction: Direction, group: String, summary: String, since: String = "1.0", replacedBy: String? = nil,
    mutating: Bool, idempotent: Bool, lock: LockScope, defaultTimeout: Duration, longRunning: Bool = false,
    stream: Stream = .none, nodeLocal: Bool = false, sensitive: [String] = [], capability: String,
    onWire: Bool = true, required: Bool = false, pveMethod: String? = nil, hostDefault: HostDefault? = nil,
    errors: [StorageError.Code]
  ) {
    self.direction = direction
    self.group = group
    self.summary = summary
    self.since = since
    self.replacedBy = replacedBy
    self.mutating = mutating
    self.idempotent = idempotent
    self.lock = lock
    self.defaultTimeout = defaultTimeout
    self.longRunning = longRunning
    self.stream = stream
    self.nodeLocal = nodeLocal
    self.sensitive = sensitive
    self.capability = capability
    self.onWire = onWire
    self.required = required
    self.pveMethod = pveMethod
    self.hostDefault = hostDefault
    self.errors = errors
  }
}
