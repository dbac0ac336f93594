// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Reads the subset of regular expressions ``Pattern`` understands.
struct PatternParser {
  private let scalars: [Unicode.Scalar]
  private var place = 0
  private var depth = 0
  private let allowsNames: Bool
  /// Names of the groups so far.
  private(set) var names: [String] = []
  /// Whether every alternative is anchored at both ends.
  private(set) var isAnchored = true

  /// Nesting of groups that is accepted.
  static let maxDepth = 32

  /// - Parameter allowsNames: whether `(?<name> )` is understood; JSON Schemas have no use for it.
  init(_ source: String, allowsNames: Bool = false) {
    scalars = Array(source.unicodeScalars)
    self.allowsNames = allowsNames
  }

  /// The whole expression, with "anything" before and after where anchors are missing.
  mutating func parse() throws(PatternError) -> PatternNode {
    var choices: [PatternNode] = []
    repeat {
      let fromStart = take("^")
      let body = try sequence()
      let toEnd = take("$")
      if let next = peek, next != "|" { throw fault(next == ")" ? "')' without '('" : "misplaced '\(next)'") }
      isAnchored = isAnchored && fromStart && toEnd
      let anything = PatternNode.repeated(.scalar(.any), min: 0, max: nil)
      choices.append(.sequence((fromStart ? [] : [anything]) + [body] + (toEnd ? [] : [anything])))
    } while take("|")
    return .choice(choices)
  }

  private var peek: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == scalar else { return false }
    place += 1
    return true
  }

  private func fault(_ message: String) -> PatternError { PatternError(message: message, offset: place) }

  private mutating func sequence() throws(PatternError) -> PatternNode {
    var parts: [PatternNode] = []
    while let next = peek, next != "|", next != ")", next != "$" {
      let before = names.count
      let part = try atom()
      parts.append(try quantified(part, isNamed: names.count > before))
    }
    return parts.isEmpty ? .empty : .sequence(parts)
  }

  private mutating func atom() throws(PatternError) -> PatternNode {
    guard let next = peek else { throw fault("unexpected end") }
    switch next {
    case "(": return try group()
    case "[": return .scalar(try scalarClass())
    case ".":
      place += 1
      return .scalar(.dot)
    case "\\": return .scalar(try escape(inClass: false))
    case "^": throw fault("'^' is supported at the beginning of an alternative only")
    case "*", "+", "?", "{": throw fault("'\(next)' has nothing to repeat")
    default:
      place += 1
      return .scalar(ScalarSet(ranges: [next.value...next.value]))
    }
  }

  private mutating func group() throws(PatternError) -> PatternNode {
    place += 1
    var name: String?
    if take("?"), !take(":") {
      guard allowsNames, take("<"), let found = groupName() else {
        throw fault("look-around and\(allowsNames ? "" : " named") groups of this kind are not supported")
      }
      guard !names.contains(found) else { throw fault("two groups are named '\(found)'") }
      names.append(found)
      name = found
    }
    depth += 1
    guard depth <= Self.maxDepth else { throw fault("groups are nested too deep") }
    var choices = [try sequence()]
    while take("|") { choices.append(try sequence()) }
    if peek == "$" { throw fault("'$' is supported at the end of an alternative only") }
    guard take(")") else { throw fault("')' is missing") }
    depth -= 1
    let node = choices.count == 1 ? choices[0] : .choice(choices)
    return name.map { .group($0, node) } ?? node
  }

  /// Lower-case letters up to `>`.
  private mutating func groupName() -> String? {
    var name = ""
    while let next = peek, (0x61...0x7A).contains(next.value), name.utf8.count < 32 {
      name.unicodeScalars.append(next)
      place += 1
    }
    return name.isEmpty || !take(">") ? nil : name
  }

  private mutating func quantified(_ node: PatternNode, isNamed: Bool) throws(PatternError) -> PatternNode {
    let result: PatternNode
    if isNamed, let next = peek, next == "*" || next == "+" || next == "{" {
      throw fault("a named group cannot be repeated")
    }
    switch peek {
    case "*": result = .repeated(node, min: 0, max: nil)
    case "+": result = .repeated(node, min: 1, max: nil)
    case "?": result = .repeated(node, min: 0, max: 1)
    case "{":
      place += 1
      let low = try number()
      var high: Int? = low
      if take(",") { high = peek == "}" ? nil : try number() }
      guard peek == "}" else { throw fault("'}' is missing") }
      if let high, high < low { throw fault("the repetition ends below its beginning") }
      result = .repeated(node, min: low, max: high)
    default: return node
    }
    place += 1
    if let next = peek, "*+?{".unicodeScalars.contains(next) {
      throw fault("lazy, possessive and double quantifiers are not supported")
    }
    return result
  }

  private mutating func number() throws(PatternError) -> Int {
    var value: Int?
    while let next = peek, (0x30...0x39).contains(next.value) {
      value = (value ?? 0) * 10 + Int(next.value - 0x30)
      if let value, value > 1000 { throw fault("repetitions above 1000 are not supported") }
      place += 1
    }
    guard let value else { throw fault("a number is missing") }
    return value
  }

  private mutating func scalarClass() throws(PatternError) -> ScalarSet {
    place += 1
    var set = ScalarSet(ranges: [], isNegated: take("^"))
    while let next = peek, next != "]" {
      let low = try classMember()
      guard peek == "-", place + 1 < scalars.count, scalars[place + 1] != "]" else {
        set.ranges += low.positive
        continue
      }
      place += 1
      let high = try classMember()
      guard let first = low.single, let last = high.single, first <= last else { throw fault("a bad range") }
      set.ranges.append(first...last)
    }
    guard take("]") else { throw fault("']' is missing") }
    return set
  }

  private mutating func classMember() throws(PatternError) -> ScalarSet {
    guard let next = peek else { throw fault("']' is missing") }
    if next == "\\" { return try escape(inClass: true) }
    place += 1
    return ScalarSet(ranges: [next.value...next.value])
  }

  private mutating func escape(inClass: Bool) throws(PatternError) -> ScalarSet {
    place += 1
    guard let next = peek else { throw fault("'\\' at the end") }
    place += 1
    func one(_ value: UInt32) -> ScalarSet { ScalarSet(ranges: [value...value]) }
    switch next {
    case "d": return .digits
    case "D": return ScalarSet(ranges: ScalarSet.digits.ranges, isNegated: true)
    case "w": return .word
    case "W": return ScalarSet(ranges: ScalarSet.word.ranges, isNegated: true)
    case "s": return .space
    case "S": return ScalarSet(ranges: ScalarSet.space.ranges, isNegated: true)
    case "n": return one(0x0A)
    case "r": return one(0x0D)
    case "t": return one(0x09)
    case "f": return one(0x0C)
    case "v": return one(0x0B)
    case "0": return one(0)
    case "x": return one(try hex(2))
    case "u": return one(try hex(4))
    case "b" where inClass: return one(0x08)
    default:
      guard "^$\\.*+?()[]{}|/-".unicodeScalars.contains(next) else {
        throw fault("'\\\(next)' is not supported")
      }
      return one(next.value)
    }
  }

  private mutating func hex(_ digits: Int) throws(PatternError) -> UInt32 {
    guard place + digits <= scalars.count else { throw fault("hexadecimal digits are missing") }
    let text = String(String.UnicodeScalarView(scalars[place..<place + digits]))
    guard text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16) else {
      throw fault("hexadecimal digits are missing")
    }
    place += digits
    return value
  }
}

extension ScalarSet {
  /// The only scalar of the set, or nil.
  fileprivate var single: UInt32? {
    guard !isNegated, ranges.count == 1, ranges[0].count == 1 else { return nil }
    return ranges[0].lowerBound
  }
}
