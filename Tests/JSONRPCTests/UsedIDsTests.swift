// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import JSONRPC

@Suite("Ids of requests")
struct UsedIDsTests {
  @Test("agrees with a set for ids in any order")
  func isASet() {
    Fuzz.run(rounds: 200) { seed, generator in
      var used = UsedIDs()
      var all: Set<Int64> = []
      for _ in 0..<200 {
        let id = Int64.random(in: -100...100, using: &generator)
        let (taken, isNew) = (used.insert(id), all.insert(id).inserted)
        #expect(taken == isNew, "seed \(seed)")
      }
      let ranges = used.ranges
      #expect(ranges.reduce(0) { $0 + $1.count } == all.count, "seed \(seed)")
      for (one, next) in zip(ranges, ranges.dropFirst()) { #expect(one.upperBound + 1 < next.lowerBound) }
    }
  }

  @Test("needs one range for ids that are counted, in whatever order threads send them")
  func isSmall() {
    var used = UsedIDs()
    for step in stride(from: Int64(0), to: 10_000, by: 4) {
      for id in [step + 2, step, step + 3, step + 1] {
        let isNew = used.insert(id)
        #expect(isNew)
        #expect(used.ranges.count <= 3)
      }
    }
    #expect(used.ranges == [0...9_999])
  }

  @Test("is bounded for ids with gaps, and never takes one twice")
  func isBounded() {
    var used = UsedIDs()
    let ids = (0..<5_000).map { Int64($0) * 2 } + [.max, .min]
    let taken = ids.filter { used.insert($0) }
    #expect(taken.count == ids.count)
    #expect(used.ranges.count <= UsedIDs.maxRanges)
    let again = ids.filter { used.insert($0) }
    #expect(again.isEmpty)
  }
}
