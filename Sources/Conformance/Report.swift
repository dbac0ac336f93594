// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What became of one check.
public struct CheckResult: Sendable {
  /// How it ended.
  public enum Verdict: String, Sendable, Hashable {
    case passed
    case failed
    /// It does not apply; a skipped check never counts as passed.
    case skipped
    /// The checker could not carry it out.
    case broken
  }

  public let check: Check
  public let verdict: Verdict
  /// Why, when it did not pass.
  public let message: String
  public let time: Duration

  /// Whether it speaks against the plugin's conformance.
  public var isFailure: Bool { verdict == .failed && check.severity == .required }
}

/// The outcome of a whole run.
public struct Report: Sendable {
  public var bundle: String
  public var plugin = ""
  public var version = ""
  /// SHA-256 over the bundle that was checked.
  public var digest = ""
  public var results: [CheckResult] = []
  public var time: Duration = .zero
  /// Levels of which some checks were left out, as asked.
  public var partial: Set<Check.Level> = []

  init(bundle: String) { self.bundle = bundle }

  public func count(_ verdict: CheckResult.Verdict) -> Int { results.count { $0.verdict == verdict } }

  /// Levels all of whose required checks ran and passed; at least one check must have run and none been left out.
  public var levelsMet: [Check.Level] {
    Check.Level.allCases.filter { level in
      if partial.contains(level) { return false }
      let mine = results.filter { $0.check.level == level }
      return mine.contains { $0.verdict == .passed } && !mine.contains { $0.isFailure || $0.verdict == .broken }
    }
  }

  /// The program's exit status: 0 all well, 1 the plugin fails, 2 the checker could not do its work.
  public var exitStatus: Int32 {
    if results.contains(where: \.isFailure) { return 1 }
    return results.contains { $0.verdict == .broken } || count(.passed) == 0 ? 2 : 0
  }
}
