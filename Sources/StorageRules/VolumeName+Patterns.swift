// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

extension VolumeName {
  /// Reads a volume name by a grammar and, where that refuses it, by the patterns a manifest adds.
  ///
  /// - Throws: `HOSTILE_NAME` for what no storage may ever see, `INVALID_NAME` for what nothing reads, for a name that a
  ///   pattern reads in more than one way, and for a guest's number that is none.
  public init(parsing text: String, grammar: VolumeGrammar, patterns: [VolumeNamePattern]) throws(RulesError) {
    try NameSafety.check(text)
    let refusal: RulesError
    do throws(RulesError) {
      self = try VolumeName(parsing: text, grammar: grammar)
      return
    } catch { refusal = error }
    for pattern in patterns {
      switch pattern.pattern.read(text) {
      case .noMatch: continue
      case .ambiguous:
        throw RulesError(
          .invalidName,
          "\(quoted(text)) can be read in more than one way by the pattern \(quoted(pattern.pattern.source))",
          hint: "this is a fault of the plugin's manifest: tell its vendor")
      case .match(let parts):
        self = try VolumeName(text, grammar, pattern, parts)
        return
      }
    }
    guard !patterns.isEmpty else { throw refusal }
    throw RulesError(
      .invalidName, "\(refusal.message), and none of the \(patterns.count) pattern(s) of its type reads it",
      hint: refusal.hint)
  }

  private init(
    _ text: String, _ grammar: VolumeGrammar, _ pattern: VolumeNamePattern, _ parts: [String: String]
  ) throws(RulesError) {
    func number(_ group: String) throws(RulesError) -> Int? {
      guard let digits = parts[group] else { return nil }
      guard let number = wholeNumber(Substring(digits)) else {
        throw RulesError(.invalidName, "\(quoted(digits)) in \(quoted(text)) is no guest's number (1 to 9 digits)")
      }
      return number
    }
    self.init(
      grammar: grammar, type: VolumeType(rawValue: pattern.type) ?? .images, name: parts["name"] ?? text,
      vmid: try number("vmid"), basename: parts["basename"], basevmid: try number("basevmid"), isBase: pattern.isBase,
      format: VolumeFormat(parts["format"] ?? pattern.format ?? "raw"), text: text, pattern: pattern)
  }
}
