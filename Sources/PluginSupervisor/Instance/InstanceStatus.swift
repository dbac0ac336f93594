// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSONRPC
public import PluginSandbox

/// What an instance is doing, for people and programs.
public struct InstanceStatus: Sendable, Hashable {
  /// Where in its life the instance is.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// No child; the next call starts one.
    case idle
    /// A child is being started and greeted.
    case starting
    case ready
    /// A child is asked to end: `shutdown`, end of its input, SIGTERM.
    case draining
    /// A child is being killed with everything it started.
    case killing
    /// A killed child does not go away (uninterruptible sleep); nothing new is started beside it.
    case unreapable
    /// A child crashed; the next may start only after a pause.
    case backoff
    /// Too many crashes; an operator must release it.
    case quarantined
    /// Ended for good (storage removed, daemon going down).
    case closed
  }

  public var plugin: String
  public var pluginVersion: String
  public var storeid: String?
  public var state: State
  /// The running child's process id on the host.
  public var pid: Int32?
  public var uid: UInt32?
  /// Starts so far.
  public var epoch: Int64
  /// The protocol version spoken, once agreed.
  public var protocolVersion: String?
  /// Calls running and waiting for their turn.
  public var runningCalls = 0
  public var waitingCalls = 0
  /// Crashes since the instance exists, and within the restart policy's window.
  public var crashes = 0
  public var recentCrashes = 0
  /// How the last child ended, in words.
  public var lastEnd: String?
  /// Until the next start may be tried, when it has to wait.
  public var restartsAfter: Duration?
  /// Why the running child has less of the processor than planned, in words.
  public var holdBack: String?
  /// The confinement of the running child.
  public var layers: SandboxLayers?
  /// Its score; only in a detailed status.
  public var score: SecurityScore?
  /// What the connections to its children have seen, from the first one on.
  public var counters = PeerCounters()
}
