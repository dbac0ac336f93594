// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A position automaton (Glushkov): one state for every place of the expression that takes a character, all states
/// that are possible kept at once as bits. No back-tracking, so no expression can make matching slow.
///
/// A class, so that handing a pattern around costs one reference.
final class PatternAutomaton: Sendable {
  /// Most places an expression may have after repetitions are written out.
  static let maxPositions = 2048

  private let sets: [ScalarSet]
  private let words: Int
  /// For every state the states that may come next, `words` words each; the last entry is the start.
  private let follow: [UInt64]
  /// For every ASCII character the states that take it.
  private let ascii: [UInt64]
  private let accepting: [UInt64]
  private let acceptsEmpty: Bool
  /// For every named group the states inside it.
  private let groups: [(name: String, states: Range<Int>)]

  init(_ node: PatternNode) throws(PatternError) {
    var builder = PatternBuilder()
    let whole = try builder.add(node)
    let count = builder.sets.count
    let words = (count + 63) / 64
    var follow = [UInt64](repeating: 0, count: (count + 1) * words)
    func set(_ bit: Int, in row: Int) { follow[row * words + bit / 64] |= 1 << UInt64(bit % 64) }
    for (state, next) in builder.follow.enumerated() { for bit in next { set(bit, in: state) } }
    for bit in whole.first { set(bit, in: count) }
    var ascii = [UInt64](repeating: 0, count: 128 * words)
    for (state, scalars) in builder.sets.enumerated() {
      for character in 0..<128 where scalars.contains(UInt32(character)) {
        ascii[character * words + state / 64] |= 1 << UInt64(state % 64)
      }
    }
    var accepting = [UInt64](repeating: 0, count: words)
    for state in whole.last { accepting[state / 64] |= 1 << UInt64(state % 64) }
    self.sets = builder.sets
    self.words = words
    self.follow = follow
    self.ascii = ascii
    self.accepting = accepting
    self.acceptsEmpty = whole.isNullable
    self.groups = builder.groups
  }

  func matches(_ text: String) -> Bool {
    if text.isEmpty { return acceptsEmpty }
    if words == 0 { return false }
    return words == 1 ? matchesSmall(text) : matchesLarge(text)
  }

  /// The parts of a text that the named groups take.
  ///
  /// Forward all states that are possible are kept for each character, backward one way through them is walked: the
  /// time is linear in the text. Of all ways the lowest and the highest are compared.
  func read(_ text: String) -> NamePattern.Reading {
    let scalars = Array(text.unicodeScalars)
    guard !scalars.isEmpty, words > 0 else { return acceptsEmpty && scalars.isEmpty ? .match([:]) : .noMatch }
    var possible = [UInt64](repeating: 0, count: scalars.count * words)
    var reachable = Array(follow[(sets.count * words)...])
    for (place, scalar) in scalars.enumerated() {
      var next = [UInt64](repeating: 0, count: words)
      for state in states(reachable[...]) where sets[state].contains(scalar.value) {
        possible[place * words + state / 64] |= 1 << UInt64(state % 64)
        for word in 0..<words { next[word] |= follow[state * words + word] }
      }
      reachable = next
    }
    guard let low = captures(scalars, possible, isHighest: false) else { return .noMatch }
    return captures(scalars, possible, isHighest: true) == low ? .match(low) : .ambiguous
  }

  private func states(_ row: ArraySlice<UInt64>) -> [Int] {
    var result: [Int] = []
    for (word, bits) in row.enumerated() {
      var rest = bits
      while rest != 0 {
        result.append(word * 64 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
    return result
  }

  private func captures(
    _ scalars: [Unicode.Scalar], _ possible: [UInt64], isHighest: Bool
  ) -> [String: String]? {
    var path = [Int](repeating: 0, count: scalars.count)
    for place in scalars.indices.reversed() {
      let fitting = states(possible[(place * words)..<((place + 1) * words)]).filter { state in
        guard place + 1 < scalars.count else { return accepting[state / 64] >> UInt64(state % 64) & 1 == 1 }
        let after = path[place + 1]
        return follow[state * words + after / 64] >> UInt64(after % 64) & 1 == 1
      }
      guard let state = isHighest ? fitting.last : fitting.first else { return nil }
      path[place] = state
    }
    var found: [String: String] = [:]
    for group in groups {
      guard let first = path.firstIndex(where: group.states.contains),
        let last = path.lastIndex(where: group.states.contains)
      else { continue }
      found[group.name] = String(String.UnicodeScalarView(scalars[first...last]))
    }
    return found
  }

  private func matchesSmall(_ text: String) -> Bool {
    var reachable = follow[sets.count]
    var current: UInt64 = 0
    for scalar in text.unicodeScalars {
      if scalar.value < 128 {
        current = reachable & ascii[Int(scalar.value)]
      } else {
        current = 0
        var rest = reachable
        while rest != 0 {
          let state = rest.trailingZeroBitCount
          if sets[state].contains(scalar.value) { current |= 1 << UInt64(state) }
          rest &= rest - 1
        }
      }
      if current == 0 { return false }
      reachable = 0
      var rest = current
      while rest != 0 {
        reachable |= follow[rest.trailingZeroBitCount]
        rest &= rest - 1
      }
    }
    return current & accepting[0] != 0
  }

  private func matchesLarge(_ text: String) -> Bool {
    var reachable = Array(follow[(sets.count * words)...])
    var current = [UInt64](repeating: 0, count: words)
    for scalar in text.unicodeScalars {
      var isAlive = false
      for word in 0..<words {
        var rest = reachable[word]
        if scalar.value < 128 {
          rest &= ascii[Int(scalar.value) * words + word]
        } else {
          var candidates = rest
          while candidates != 0 {
            let bit = candidates.trailingZeroBitCount
            if !sets[word * 64 + bit].contains(scalar.value) { rest &= ~(1 << UInt64(bit)) }
            candidates &= candidates - 1
          }
        }
        current[word] = rest
        if rest != 0 { isAlive = true }
      }
      if !isAlive { return false }
      for word in 0..<words { reachable[word] = 0 }
      for word in 0..<words {
        var rest = current[word]
        while rest != 0 {
          let row = (word * 64 + rest.trailingZeroBitCount) * words
          for target in 0..<words { reachable[target] |= follow[row + target] }
          rest &= rest - 1
        }
      }
    }
    return (0..<words).contains { current[$0] & accepting[$0] != 0 }
  }
}

/// Numbers the places of an expression and finds which may follow which.
private struct PatternBuilder {
  struct Part {
    var isNullable: Bool
    var first: [Int]
    var last: [Int]
  }

  var sets: [ScalarSet] = []
  var follow: [Set<Int>] = []
  var groups: [(name: String, states: Range<Int>)] = []

  mutating func add(_ node: PatternNode) throws(PatternError) -> Part {
    switch node {
    case .empty: return Part(isNullable: true, first: [], last: [])
    case .scalar(let set):
      guard sets.count < PatternAutomaton.maxPositions else {
        throw PatternError(message: "the expression is too large", offset: 0)
      }
      sets.append(set)
      follow.append([])
      return Part(isNullable: false, first: [sets.count - 1], last: [sets.count - 1])
    case .group(let name, let node):
      let start = sets.count
      let part = try add(node)
      groups.append((name, start..<sets.count))
      return part
    case .sequence(let nodes):
      var result = Part(isNullable: true, first: [], last: [])
      for node in nodes { result = join(result, try add(node)) }
      return result
    case .choice(let nodes):
      var result = Part(isNullable: false, first: [], last: [])
      for node in nodes {
        let part = try add(node)
        result.isNullable = result.isNullable || part.isNullable
        result.first += part.first
        result.last += part.last
      }
      return result
    case .repeated(let node, let min, let max):
      var result = Part(isNullable: true, first: [], last: [])
      for _ in 0..<min { result = join(result, try add(node)) }
      guard let max else {
        var part = try add(node)
        for state in part.last { follow[state].formUnion(part.first) }
        part.isNullable = true
        return join(result, part)
      }
      // a{1,3} is a(a(a)?)?: from the inside out, so that no copy can be skipped for a later one.
      var optional = Part(isNullable: true, first: [], last: [])
      for _ in min..<Swift.max(min, max) {
        optional = join(try add(node), optional)
        optional.isNullable = true
      }
      return join(result, optional)
    }
  }

  private mutating func join(_ left: Part, _ right: Part) -> Part {
    for state in left.last { follow[state].formUnion(right.first) }
    return Part(
      isNullable: left.isNullable && right.isNullable,
      first: left.isNullable ? left.first + right.first : left.first,
      last: right.isNullable ? left.last + right.last : right.last)
  }
}
