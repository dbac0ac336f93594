// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// One requirement of the protocol, as something that can be tried.
public struct Check: Sendable {
  /// What part of the protocol a check belongs to. A level counts as met only when all its required checks ran.
  public enum Level: String, Sendable, Hashable, CaseIterable {
    /// Manifest, handshake, framing, limits, lifecycle, every declared method.
    case core
    /// Making, listing, resizing, removing volumes.
    case images
    /// Bases, clones, renaming.
    case template
    case snapshot
    /// Export and import.
    case stream
    /// Cancel, kill -9, replays, stale tokens, load.
    case robust
  }

  /// What a failure means.
  public enum Severity: String, Sendable, Hashable {
    /// The plugin does not conform.
    case required
    /// The plugin conforms but serves its users badly.
    case recommended
  }

  /// Stable: it never changes its meaning.
  public let id: String
  /// One sentence: what must hold.
  public let title: String
  /// Chapter of `protocol/README.md`.
  public let clause: String
  public let level: Level
  public let severity: Severity
  /// Whether nothing else can be tried with a plugin that is silent here or cannot be started.
  let isDecisive: Bool
  let body: @Sendable (Bench) throws(CheckStop) -> Void

  init(
    _ id: String, _ title: String, clause: String, level: Level, severity: Severity = .required,
    isDecisive: Bool = false, _ body: @escaping @Sendable (Bench) throws(CheckStop) -> Void
  ) {
    self.id = id
    self.title = title
    self.clause = clause
    self.level = level
    self.severity = severity
    self.isDecisive = isDecisive
    self.body = body
  }
}

/// Why a check ended before its end.
struct CheckStop: Error, Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// The plugin does not do what the protocol says.
    case failed
    /// The check does not apply to this plugin.
    case skipped
    /// The checker itself cannot go on (no memory, no directory, no sandbox).
    case broken
  }

  var kind: Kind
  var message: String
  /// Whether the plugin gave no answer at all.
  var isSilence = false

  static func failed(_ message: String) -> CheckStop { CheckStop(kind: .failed, message: message) }
  static func skipped(_ message: String) -> CheckStop { CheckStop(kind: .skipped, message: message) }
  static func broken(_ message: String) -> CheckStop { CheckStop(kind: .broken, message: message) }
  static func silent(_ message: String) -> CheckStop {
    CheckStop(kind: .failed, message: message, isSilence: true)
  }
}

/// Ends the check as failed unless the condition holds.
func require(_ condition: Bool, _ message: @autoclosure () throws(CheckStop) -> String) throws(CheckStop) {
  if !condition { throw .failed(try message()) }
}
