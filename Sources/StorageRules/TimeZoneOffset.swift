// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The wall clock's distance from UTC, moment by moment: all that retention needs to know of a time zone.
///
/// Pure by itself: ``fixed(seconds:)`` and ``init(posix:)`` compute, other zones come in as a function.
public struct TimeZoneOffset: Sendable {
  private let offset: @Sendable (Int64) -> Int64

  /// - Parameter offset: seconds east of UTC at a moment given in seconds since the epoch.
  public init(_ offset: @escaping @Sendable (Int64) -> Int64) {
    self.offset = offset
  }

  /// Coordinated universal time.
  public static let utc = TimeZoneOffset.fixed(seconds: 0)

  /// A zone without summer time.
  public static func fixed(seconds: Int64) -> TimeZoneOffset { TimeZoneOffset { _ in seconds } }

  /// Seconds east of UTC at a moment.
  public func seconds(at epoch: Int64) -> Int64 { offset(epoch) }

  /// What calendar and wall clock show at a moment.
  public func civil(at epoch: Int64) -> CivilTime { CivilTime(seconds: epoch &+ offset(epoch)) }

  /// The moment at which the wall clock shows a time: the earlier of two when the clock goes back over it, and the
  /// time as if the clock had not been put forward when it never shows it.
  public func epoch(of civil: CivilTime) -> Int64 {
    let local = civil.seconds
    // No zone is more than 26 hours from another: offsets a day and a bit around cover every candidate.
    let before = offset(local - 93_600)
    let after = offset(local + 93_600)
    let candidates = [local - before, local - after].filter { offset($0) == local - $0 }
    return candidates.min() ?? local - before
  }
}
