// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A time zone as the TZ variable writes it: `CET-1CEST,M3.5.0,M10.5.0/3`, `<+0330>-3:30`, `UTC0`.
///
/// The grammar is that of POSIX with the hours beyond a day of RFC 8536.
struct PosixTimeZone: Sendable, Hashable {
  private struct Rule: Hashable {
    enum Day: Hashable {
      /// 1 to 365, 29 February never counted.
      case julian(Int)
      /// 0 to 365, 29 February counted.
      case zeroBased(Int)
      /// Weekday (0 is Sunday) of a week (5 is the last) of a month.
      case weekday(month: Int, week: Int, day: Int)
    }

    var day: Day
    /// Seconds after midnight of the wall clock as it is before the change.
    var time: Int64
  }

  private struct Summer: Hashable {
    var offset: Int64
    var start: Rule
    var end: Rule
  }

  /// Seconds east of UTC in winter.
  private let standard: Int64
  private let summer: Summer?

  /// - Throws: `INVALID_TIME_ZONE`.
  init(parsing text: String) throws(RulesError) {
    var scanner = Scanner(Array(text.utf8))
    guard let (standard, summer) = Self.scan(&scanner), scanner.isAtEnd else {
      throw RulesError(
        .invalidTimeZone, "\(quoted(text)) is no time zone rule", hint: "rules look like 'CET-1CEST,M3.5.0,M10.5.0/3'")
    }
    self.standard = standard
    self.summer = summer
  }

  /// Seconds east of UTC at a moment.
  func offset(at epoch: Int64) -> Int64 {
    guard let summer else { return standard }
    let year = CivilTime(seconds: epoch &+ standard).year
    let start = Self.moment(summer.start, year) - standard
    let end = Self.moment(summer.end, year) - summer.offset
    let isSummer = start < end ? epoch >= start && epoch < end : epoch >= start || epoch < end
    return isSummer ? summer.offset : standard
  }

  /// When a rule strikes, in seconds since the epoch on the wall clock.
  private static func moment(_ rule: Rule, _ year: Int) -> Int64 {
    func midnight(_ month: Int, _ day: Int) -> Int64 {
      CivilTime(year: year, month: month, day: day, hour: 0, minute: 0, second: 0)?.seconds ?? 0
    }
    switch rule.day {
    case .julian(let day):
      let leap = CivilTime.days(inMonth: 2, of: year) == 29 && day >= 60
      return midnight(1, 1) + Int64(day - 1 + (leap ? 1 : 0)) * 86400 + rule.time
    case .zeroBased(let day): return midnight(1, 1) + Int64(day) * 86400 + rule.time
    case .weekday(let month, let week, let day):
      let first = CivilTime(seconds: midnight(month, 1)).weekday % 7
      var date = 1 + (day - first + 7) % 7 + (week - 1) * 7
      if date > CivilTime.days(inMonth: month, of: year) { date -= 7 }
      return midnight(month, date) + rule.time
    }
  }

  // MARK: Reading

  private static func scan(_ scanner: inout Scanner) -> (standard: Int64, summer: Summer?)? {
    guard scanner.name(), let standard = scanner.duration(maxHours: 24) else { return nil }
    if scanner.isAtEnd { return (-standard, nil) }
    guard scanner.name() else { return nil }
    var offset = -standard + 3600
    if !scanner.isAtEnd, !scanner.isNext(",") {
      guard let given = scanner.duration(maxHours: 24) else { return nil }
      offset = -given
    }
    // Without rules, those of the United States hold, as the C library has it.
    var start = Rule(day: .weekday(month: 3, week: 2, day: 0), time: 7200)
    var end = Rule(day: .weekday(month: 11, week: 1, day: 0), time: 7200)
    if !scanner.isAtEnd {
      guard scanner.take(","), let first = scan(rule: &scanner), scanner.take(","), let second = scan(rule: &scanner)
      else { return nil }
      start = first
      end = second
    }
    return (-standard, Summer(offset: offset, start: start, end: end))
  }

  private static func scan(rule scanner: inout Scanner) -> Rule? {
    let day: Rule.Day
    if scanner.take("M") {
      guard let month = scanner.number(1...12), scanner.take("."), let week = scanner.number(1...5), scanner.take("."),
        let weekday = scanner.number(0...6)
      else { return nil }
      day = .weekday(month: month, week: week, day: weekday)
    } else if scanner.take("J") {
      guard let number = scanner.number(1...365) else { return nil }
      day = .julian(number)
    } else {
      guard let number = scanner.number(0...365) else { return nil }
      day = .zeroBased(number)
    }
    guard scanner.take("/") else { return Rule(day: day, time: 7200) }
    guard let time = scanner.duration(maxHours: 167) else { return nil }
    return Rule(day: day, time: time)
  }

  private struct Scanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
    }

    var isAtEnd: Bool { index == bytes.count }

    func isNext(_ character: Unicode.Scalar) -> Bool { index < bytes.count && bytes[index] == UInt8(ascii: character) }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard isNext(character) else { return false }
      index += 1
      return true
    }

    /// A zone's short name: at least three letters, or anything of letters, digits and signs between `<` and `>`.
    mutating func name() -> Bool {
      let isQuoted = take("<")
      let start = index
      while index < bytes.count {
        let byte = bytes[index]
        let isLetter = isAlphanumeric(byte) && !(0x30...0x39).contains(byte)
        guard isLetter || (isQuoted && (isAlphanumeric(byte) || byte == 0x2b || byte == 0x2d)) else { break }
        index += 1
      }
      guard index - start >= 3 else { return false }
      return !isQuoted || take(">")
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int? {
      var value = 0
      var digits = 0
      while index < bytes.count, (0x30...0x39).contains(bytes[index]), digits < 4 {
        value = value * 10 + Int(bytes[index] - 0x30)
        digits += 1
        index += 1
      }
      return digits > 0 && range.contains(value) ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func duration(maxHours: Int) -> Int64? {
      let isNegative = take("-")
      if !isNegative { _ = take("+") }
      guard let hours = number(0...maxHours) else { return nil }
      var seconds = Int64(hours) * 3600
      if take(":") {
        guard let minutes = number(0...59) else { return nil }
        seconds += Int64(minutes) * 60
        if take(":") {
          guard let more = number(0...59) else { return nil }
          seconds += Int64(more)
        }
      }
      return isNegative ? -seconds : seconds
    }
  }
}
