// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import StorageRules
import TestSupport
import Testing

@Suite struct CivilTimeTests {
  @Test(arguments: [
    (0, 1970, 1, 1, 4), (-1, 1969, 12, 31, 3), (951_782_400, 2000, 2, 29, 2), (4_107_542_400, 2100, 3, 1, 1),
    (-2_203_891_200, 1900, 3, 1, 4), (1_709_164_800, 2024, 2, 29, 4),
  ])
  func `a count of seconds has its date`(seconds: Int64, year: Int, month: Int, day: Int, weekday: Int) {
    let time = CivilTime(seconds: seconds)
    #expect([time.year, time.month, time.day, time.weekday] == [year, month, day, weekday])
    #expect(time.seconds == seconds)
  }

  @Test(arguments: [
    (2020, 12, 31, 2020, 53), (2021, 1, 3, 2020, 53), (2021, 1, 4, 2021, 1), (2018, 12, 31, 2019, 1),
    (2024, 12, 30, 2025, 1),
    (2016, 1, 1, 2015, 53), (2026, 11, 21, 2026, 47),
  ])
  func `weeks are those of ISO 8601`(year: Int, month: Int, day: Int, weekYear: Int, week: Int) throws {
    let time = try #require(CivilTime(year: year, month: month, day: day, hour: 12, minute: 0, second: 0))
    #expect(time.isoWeek == (weekYear, week))
  }

  @Test func `dates and seconds turn into each other`() {
    let seed = Fuzz.firstSeed
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<5_000 {
      let seconds = Int64.random(in: -100_000_000_000...100_000_000_000, using: &generator)
      #expect(CivilTime(seconds: seconds).seconds == seconds, "seed \(seed)")
    }
    #expect(CivilTime(seconds: .max).year > CivilTime(seconds: .min).year)
  }

  @Test(arguments: [
    (2023, 2, 29), (2024, 2, 30), (2024, 13, 1), (2024, 0, 1), (2024, 4, 31), (1900, 2, 29), (2024, 1, 0),
  ])
  func `a date no calendar has is none`(year: Int, month: Int, day: Int) {
    #expect(CivilTime(year: year, month: month, day: day, hour: 0, minute: 0, second: 0) == nil)
  }
}
