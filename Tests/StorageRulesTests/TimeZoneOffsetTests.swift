// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageRules
import TestSupport
import Testing

@Suite struct TimeZoneOffsetTests {
  private let vienna = "CET-1CEST,M3.5.0,M10.5.0/3"

  @Test func `summer time begins and ends on the second`() throws {
    let zone = try TimeZoneOffset(posix: vienna)
    #expect(zone.seconds(at: 1_711_846_799) == 3600)
    #expect(zone.seconds(at: 1_711_846_800) == 7200)
    #expect(zone.seconds(at: 1_729_990_799) == 7200)
    #expect(zone.seconds(at: 1_729_990_800) == 3600)
  }

  @Test func `a time shown twice is the earlier one, a time never shown is an hour late`() throws {
    let zone = try TimeZoneOffset(posix: vienna)
    let twice = try #require(CivilTime(year: 2024, month: 10, day: 27, hour: 2, minute: 30, second: 0))
    #expect(zone.epoch(of: twice) == 1_729_989_000)
    let never = try #require(CivilTime(year: 2024, month: 3, day: 31, hour: 2, minute: 30, second: 0))
    #expect(zone.epoch(of: never) == 1_711_848_600)
    #expect(zone.civil(at: 1_711_848_600).hour == 3)
  }

  @Test func `every moment's civil time leads back to it, or to the earlier of its twins`() throws {
    let seed = Fuzz.firstSeed
    var generator = SeededGenerator(seed: seed)
    for rule in [
      vienna, "EST5EDT,M3.2.0,M11.1.0", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "IST-1GMT0,M10.5.0,M3.5.0/1",
    ] {
      let zone = try TimeZoneOffset(posix: rule)
      for _ in 0..<2_000 {
        let epoch = Int64.random(in: 0...4_000_000_000, using: &generator)
        let back = zone.epoch(of: zone.civil(at: epoch))
        #expect(
          back == epoch || (back < epoch && zone.civil(at: back) == zone.civil(at: epoch)),
          "seed \(seed) \(rule) \(epoch)")
      }
    }
  }

  @Test(arguments: [
    "/usr/share/zoneinfo/Europe/Vienna", "/usr/share/zoneinfo/America/New_York",
    "/usr/share/zoneinfo/Australia/Lord_Howe", "/etc/localtime",
  ])
  func `a zone file says what the C library says`(path: String) throws {
    guard access(path, R_OK) == 0 else { return }
    let zone = try TimeZoneOffset(zoneInfo: readFile(path))
    guard path == "/etc/localtime", getenv("TZ") == nil else {
      #expect(zone.seconds(at: 1_700_000_000) != zone.seconds(at: 1_720_000_000))
      return
    }
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<2_000 {
      var time = time_t(Int64.random(in: 0...4_000_000_000, using: &generator))
      var parts = tm()
      localtime_r(&time, &parts)
      #expect(zone.seconds(at: Int64(time)) == Int64(parts.tm_gmtoff))
    }
  }

  @Test func `damaged zone files and rules are refused`() {
    for text in [
      "", "CE-1", "CET", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M1.1.0", "CET-25", "<+1>-1", "CET-1X",
      "CET-1CEST,J0,J1",
    ] {
      #expect(throws: RulesError.self, "\(text)") { try TimeZoneOffset(posix: text) }
    }
    #expect(throws: RulesError.self) { try TimeZoneOffset(zoneInfo: []) }
    guard access("/usr/share/zoneinfo/Europe/Vienna", R_OK) == 0 else { return }
    let whole = readFile("/usr/share/zoneinfo/Europe/Vienna")
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<2_000 {
      var bytes = whole
      if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator)) }
      for _ in 0..<3 where !bytes.isEmpty {
        bytes[Int.random(in: 0..<min(bytes.count, 400), using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      if let zone = try? TimeZoneOffset(zoneInfo: bytes) { _ = zone.seconds(at: 1_700_000_000) }
    }
  }
}
