// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// When a crashed plugin may start again, and when it has crashed too often to be tried without an operator.
public struct RestartPolicy: Sendable, Hashable {
  /// Pause after the first crash; doubled after each further one.
  public var firstDelay: Duration
  /// The pause never grows beyond this.
  public var longestDelay: Duration
  /// More crashes than this within `window` quarantine the instance.
  public var crashesAllowed: Int
  /// The time crashes are counted over; a child that lives longer starts again with `firstDelay`.
  public var window: Duration

  public init(
    firstDelay: Duration = .seconds(1), longestDelay: Duration = .seconds(60), crashesAllowed: Int = 4,
    window: Duration = .seconds(180)
  ) {
    self.firstDelay = firstDelay
    self.longestDelay = longestDelay
    self.crashesAllowed = crashesAllowed
    self.window = window
  }
}

/// The crashes of one instance, judged by a `RestartPolicy`. A pure value: time comes in as an argument.
public struct RestartHistory<Instant: InstantProtocol>: Sendable where Instant.Duration == Duration {
  /// What a crash led to.
  public enum Verdict: Sendable, Equatable {
    /// A new child may start at this instant, not before.
    case backoff(until: Instant)
    /// Only `release()` lets a new child start.
    case quarantined(crashes: Int)
  }

  public let policy: RestartPolicy
  /// Crashes within the policy's window, oldest first.
  public private(set) var recent: [Instant] = []
  /// Crashes since the last calm window; sets the pause.
  public private(set) var consecutive = 0
  /// All crashes since the instance was made.
  public private(set) var total = 0
  public private(set) var verdict: Verdict?

  public init(policy: RestartPolicy = RestartPolicy()) {
    self.policy = policy
  }

  /// Records a crash (also: a start that failed) and says what follows from it.
  public mutating func crashed(at now: Instant) -> Verdict {
    if let last = recent.last, last.duration(to: now) > policy.window { consecutive = 0 }
    consecutive += 1
    total += 1
    let window = policy.window
    recent.removeAll { $0.duration(to: now) > window }
    recent.append(now)
    let verdict: Verdict
    if recent.count > policy.crashesAllowed {
      verdict = .quarantined(crashes: recent.count)
    } else {
      verdict = .backoff(until: now.advanced(by: delay))
    }
    self.verdict = verdict
    return verdict
  }

  /// How long a start must still wait; nil when it may go ahead. A quarantine has no end of its own.
  public func wait(at now: Instant) -> Duration? {
    guard case .backoff(let until) = verdict, now < until else { return nil }
    return now.duration(to: until)
  }

  public var isQuarantined: Bool {
    if case .quarantined = verdict { true } else { false }
  }

  /// An operator's word that the cause is gone: the count starts again at nothing.
  public mutating func release() {
    recent.removeAll()
    consecutive = 0
    verdict = nil
  }

  private var delay: Duration {
    var delay = policy.firstDelay
    for _ in 1..<max(consecutive, 1) where delay < policy.longestDelay { delay *= 2 }
    return min(delay, policy.longestDelay)
  }
}
