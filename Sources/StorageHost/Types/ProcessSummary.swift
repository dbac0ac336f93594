// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSONRPC
internal import PluginSandbox
internal import PluginSupervisor

/// A storage's plugin process, and how well it is confined.
public struct ProcessSummary: Sendable, Hashable {
  /// Points lost for one reason.
  public struct Deduction: Sendable, Hashable {
    public var points: Int
    public var reason: String
  }

  /// What it sent that it must not, since the daemon started.
  public struct Faults: Sendable, Hashable {
    /// Answers to calls that had been given up.
    public var lateAnswers: Int
    /// Answers with an id that was never given out.
    public var unknownAnswers: Int
    /// Second answers to the same call.
    public var duplicateAnswers: Int
    /// Lines that were no messages.
    public var strayLines: Int
  }

  public var plugin: String
  /// The plugin's version that runs.
  public var version: String
  /// The storage it serves; nil when it serves all of its plugin's.
  public var storeid: String?
  /// One word: `idle`, `ready`, `quarantined`, …
  public var state: String
  /// On the host; nil while nothing runs.
  public var pid: Int32?
  /// The user id it runs as.
  public var uid: UInt32?
  /// Crashes since the daemon started.
  public var crashes: Int
  /// How the last process ended, in words.
  public var lastEnd: String?
  /// Why it has less of the processor than planned, in words; nil while it has not.
  public var holdBack: String?
  /// The layers that confine it, by name.
  public var layers: [String]
  /// 0 (not confined at all) to 100, from what was observed now; nil while nothing runs.
  public var score: Int?
  /// Why the score is not 100.
  public var deductions: [Deduction]
  public var faults: Faults

  init(_ status: InstanceStatus) {
    plugin = status.plugin
    version = status.pluginVersion
    storeid = status.storeid
    state = status.state.rawValue
    pid = status.pid
    uid = status.uid
    crashes = status.crashes
    lastEnd = status.lastEnd
    holdBack = status.holdBack
    layers = status.layers?.labels ?? []
    score = status.score?.points
    deductions = status.score?.deductions.map { Deduction(points: $0.points, reason: $0.reason) } ?? []
    let counters = status.counters
    faults = Faults(
      lateAnswers: counters.lateAnswers, unknownAnswers: counters.unknownAnswers,
      duplicateAnswers: counters.duplicateAnswers, strayLines: counters.strayLines)
  }
}
