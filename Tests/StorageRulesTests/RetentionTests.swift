// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageRules
import TestSupport
import Testing

@Suite struct RetentionTests {
  @Test func `every vector is marked as it should be`() throws {
    for (index, vector) in try vectors("retention.json").enumerated() {
      try check(vector, "vector \(index)")
    }
  }

  private func check(_ vector: JSON, _ name: String) throws {
    let zone = try TimeZoneOffset(posix: vector["tz"]?.stringValue ?? "")
    let keep = try #require(vector["keep"]?.objectValue)
    let text = keep.map { "\($0.key)=\($0.value.intValue ?? 0)" }.joined(separator: ",")
    let backups = (vector["backups"]?.arrayValue ?? []).map { backup in
      BackupEntry(
        volid: backup["volid"]?.stringValue ?? "", listedTime: backup["ctime"]?.intValue ?? 0, listedOwner: nil,
        isProtected: backup["protected"] == true, zone: zone)
    }
    #expect(backups.map(\.ctime) == vector["times"]?.arrayValue?.compactMap(\.intValue), "\(name): times")
    let marks = try Retention(parsing: text).marks(for: backups, zone: zone)
    #expect(marks.map(\.rawValue) == vector["marks"]?.arrayValue?.compactMap(\.stringValue), "\(name): marks")
  }

  @Test func `nothing protected or renamed is ever removed, and each rule keeps at most its count`() throws {
    let seed = Fuzz.firstSeed
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let backups = (0..<Int.random(in: 0...30, using: &generator)).map { index in
        BackupEntry(
          volid: "\(index)", ctime: Int64.random(in: 1_600_000_000...1_700_000_000, using: &generator), type: "qemu",
          vmid: 100, isStandard: Int.random(in: 0..<9, using: &generator) > 0,
          isProtected: Int.random(in: 0..<9, using: &generator) == 0)
      }
      var counts: [Retention.Span: Int] = [:]
      for span in Retention.Span.allCases where Bool.random(using: &generator) {
        counts[span] = Int.random(in: 0...4, using: &generator)
      }
      let retention = try Retention(counts)
      let marks = retention.marks(for: backups, zone: .utc)
      #expect(marks.count == backups.count)
      for (backup, mark) in zip(backups, marks) {
        if backup.isProtected { #expect(mark == .protected, "seed \(seed)") }
        if !backup.isStandard, !backup.isProtected { #expect(mark == .renamed, "seed \(seed)") }
      }
      let kept = marks.count { $0 == .keep }
      if retention.isKeepAll {
        #expect(!marks.contains(.remove), "seed \(seed)")
      } else {
        #expect(kept <= counts.values.reduce(0, +), "seed \(seed)")
        let newest = backups.indices.filter { marks[$0] == .keep || marks[$0] == .remove }.max {
          backups[$0].ctime < backups[$1].ctime
        }
        if let newest { #expect(marks[newest] == .keep, "seed \(seed): the newest backup is always kept") }
      }
    }
  }

  @Test(arguments: [
    ("keep-all=1", "keep-all=1"), ("keep-last=0", "keep-all=1"),
    ("keep-yearly=1,keep-last=2", "keep-last=2,keep-yearly=1"),
    ("keep-all=0,keep-daily=7", "keep-daily=7"), ("keep-all=yes,keep-last=0", "keep-all=1"), ("", "keep-all=1"),
  ])
  func `a setting has one spelling`(text: String, spelling: String) throws {
    #expect(try Retention(parsing: text).description == spelling)
  }

  @Test(arguments: [
    "keep-all=1,keep-last=1", "keep-last=-1", "keep-last=x", "keep-last=1.5", "keep-never=1", "keep-last",
    "keep-last=1,keep-last=2", "keep-all=maybe", "keep-last=99999999999999999999",
  ])
  func `a contradictory setting is refused`(text: String) {
    #expect(throws: RulesError.self) { try Retention(parsing: text) }
  }
}
