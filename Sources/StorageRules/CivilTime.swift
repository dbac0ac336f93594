// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A moment as a calendar and a clock on the wall show it, in no zone.
public struct CivilTime: Sendable, Hashable, Comparable {
  public let year: Int
  /// 1 to 12.
  public let month: Int
  /// 1 to 31, within the month.
  public let day: Int
  public let hour: Int
  public let minute: Int
  public let second: Int

  /// `nil` for a moment no calendar has (month 13, 30 February, hour 24).
  public init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    guard (1...12).contains(month), day >= 1, day <= CivilTime.days(inMonth: month, of: year),
      (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// The civil time of a count of seconds since 1970-01-01 00:00:00 in the same zone.
  ///
  /// Years beyond ±100 million are clamped: no storage holds a file so old.
  public init(seconds: Int64) {
    let limit: Int64 = 3_155_760_000_000_000
    let clamped = min(max(seconds, -limit), limit)
    let days = clamped.flooredQuotient(86400)
    let rest = Int(clamped - days * 86400)
    // Days are counted from 1 March of year 0 in eras of 400 years, so that leap days fall at an era's end.
    let shifted = days + 719_468
    let era = shifted.flooredQuotient(146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
  }

  /// Days since 1970-01-01.
  public var dayNumber: Int64 {
    let shiftedYear = Int64(month <= 2 ? year - 1 : year)
    let era = shiftedYear.flooredQuotient(400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * Int64(month > 2 ? month - 3 : month + 9) + 2) / 5 + Int64(day) - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// Seconds since 1970-01-01 00:00:00 in the same zone.
  public var seconds: Int64 { dayNumber * 86400 + Int64(hour * 3600 + minute * 60 + second) }

  /// 1 (Monday) to 7 (Sunday).
  public var weekday: Int {
    let monday = dayNumber + 3
    return Int(monday - monday.flooredQuotient(7) * 7) + 1
  }

  /// The week by ISO 8601: weeks begin on Monday and belong to the year that holds their Thursday.
  public var isoWeek: (year: Int, week: Int) {
    let thursday = CivilTime(seconds: (dayNumber + Int64(4 - weekday)) * 86400)
    let firstOfYear = CivilTime(year: thursday.year, month: 1, day: 1, hour: 0, minute: 0, second: 0)?.dayNumber ?? 0
    return (thursday.year, Int((thursday.dayNumber - firstOfYear) / 7) + 1)
  }

  public static func < (left: CivilTime, right: CivilTime) -> Bool { left.seconds < right.seconds }

  static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension Int64 {
  /// Division that rounds down, for a positive divisor.
  func flooredQuotient(_ divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
