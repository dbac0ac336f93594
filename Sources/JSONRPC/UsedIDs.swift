// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The ids of requests that came in: each is used once.
///
/// Kept as ranges: whoever counts its ids, in whatever steps threads of its send them, needs one. Where ids leave more
/// gaps than are kept, the gap of the lowest ids counts as used: who counts does not come back to it.
struct UsedIDs {
  static let maxRanges = 256

  /// In rising order, with a gap between any two.
  private(set) var ranges: [ClosedRange<Int64>] = []

  /// Notes an id; false when it was used before.
  mutating func insert(_ id: Int64) -> Bool {
    // Nearly always the last range, or the one before it.
    var place = ranges.count
    while place > 0, ranges[place - 1].lowerBound > id { place -= 1 }
    if place > 0, ranges[place - 1].upperBound >= id { return false }
    let joinsLower = place > 0 && ranges[place - 1].upperBound == id - 1
    let joinsUpper = place < ranges.count && ranges[place].lowerBound - 1 == id
    switch (joinsLower, joinsUpper) {
    case (true, true):
      ranges[place - 1] = ranges[place - 1].lowerBound...ranges[place].upperBound
      ranges.remove(at: place)
    case (true, false): ranges[place - 1] = ranges[place - 1].lowerBound...id
    case (false, true): ranges[place] = id...ranges[place].upperBound
    case (false, false):
      ranges.insert(id...id, at: place)
      if ranges.count > Self.maxRanges {
        ranges[1] = ranges[0].lowerBound...ranges[1].upperBound
        ranges.removeFirst()
      }
    }
    return true
  }
}
