// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A ``Pattern`` over a whole text, whose named groups `(?<name> )` say what its parts mean.
///
/// Anchored at both ends; a group stands at most once and is not repeated. Reading takes time linear to the text.
public struct NamePattern: Sendable, Hashable {
  /// The expression as written.
  public let source: String
  /// The names of its groups.
  public let groups: Set<String>
  private let automaton: PatternAutomaton

  /// What a text is to a pattern.
  public enum Reading: Sendable, Hashable {
    case noMatch
    /// The groups that took part, with their parts of the text; a group that took nothing is absent.
    case match([String: String])
    /// It matches, but the groups could take its parts in more than one way.
    case ambiguous
  }

  /// - Throws: what the expression has that this subset does not, and where.
  public init(_ source: String) throws(PatternError) {
    var parser = PatternParser(source, allowsNames: true)
    let node = try parser.parse()
    guard parser.isAnchored else {
      throw PatternError(message: "it must begin with '^' and end with '$', in each alternative", offset: 0)
    }
    self.source = source
    groups = Set(parser.names)
    automaton = try PatternAutomaton(node)
  }

  /// Reads a text.
  public func read(_ text: String) -> Reading { automaton.read(text) }

  public static func == (left: NamePattern, right: NamePattern) -> Bool { left.source == right.source }

  public func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
