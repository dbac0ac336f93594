// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A regular expression of the subset that JSON Schemas of plugins may use, matched in time linear to the text.
///
/// Understood: literals, `.`, classes with ranges and negation, `\d \w \s` and their opposites, `\uXXXX`, `\xXX`,
/// `( )`, `(?: )`, `|`, `* + ? {n} {n,} {n,m}`, and `^` and `$` at the ends of an alternative. Refused with a reason:
/// back references, look-around, lazy quantifiers, anchors elsewhere. As in JSON Schema a pattern without anchors may
/// match anywhere in the text. It works on Unicode scalars.
public struct Pattern: Sendable, Hashable {
  /// The expression as written.
  public let source: String
  private let automaton: PatternAutomaton

  /// - Throws: what the expression has that this subset does not, and where.
  public init(_ source: String) throws(PatternError) {
    var parser = PatternParser(source)
    self.source = source
    self.automaton = try PatternAutomaton(try parser.parse())
  }

  /// A pattern that is part of the program: a wrong one is a bug and ends it.
  init(constant: StaticString) {
    do {
      try self.init("\(constant)")
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// Whether the text matches.
  public func matches(_ text: String) -> Bool { automaton.matches(text) }

  public static func == (left: Pattern, right: Pattern) -> Bool { left.source == right.source }

  public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
