// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The wall clock's distance from UTC, moment by moment: all that retention needs to know of a time zone.
///
/// Pure: rules and zone files come in as text and bytes, other zones as a function.
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

  /// A zone by its rule, as the TZ variable has it: `CET-1CEST,M3.5.0,M10.5.0/3`.
  ///
  /// - Throws: `INVALID_TIME_ZONE`.
  public init(posix text: String) throws(RulesError) {
    let zone = try PosixTimeZone(parsing: text)
    self.init { zone.offset(at: $0) }
  }

  /// A zone by its compiled file (RFC 8536), such as `/etc/localtime`.
  ///
  /// - Throws: `INVALID_TIME_ZONE`.
  public init(zoneInfo bytes: [UInt8]) throws(RulesError) {
    let zone = try ZoneInfoFile(parsing: bytes)
    self.init { zone.offset(at: $0) }
  }

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
