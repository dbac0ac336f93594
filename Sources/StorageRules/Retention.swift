// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Which backups of a guest are kept: the `prune-backups` setting.
public struct Retention: Sendable, Hashable, CustomStringConvertible {
  /// One rule: keep one backup in each of the last N spans that have any.
  public enum Span: String, Sendable, Hashable, CaseIterable {
    case last = "keep-last"
    case hourly = "keep-hourly"
    case daily = "keep-daily"
    case weekly = "keep-weekly"
    case monthly = "keep-monthly"
    case yearly = "keep-yearly"
  }

  private var counts: [Span: Int]

  /// Keeps everything.
  public static let keepAll = Retention(counts: [:])

  private init(counts: [Span: Int]) {
    self.counts = counts
  }

  /// - Throws: `INVALID_RETENTION` for a negative count.
  public init(_ counts: [Span: Int]) throws(RulesError) {
    for (span, count) in counts where count < 0 {
      throw RulesError(.invalidRetention, "\(span.rawValue) is \(count), a count is at least 0")
    }
    self.counts = counts.filter { $0.value > 0 }
  }

  /// How many a rule keeps; 0 for a rule that is not set.
  public subscript(span: Span) -> Int { counts[span] ?? 0 }

  /// Whether nothing is ever removed: `keep-all`, or no rule with a positive count.
  public var isKeepAll: Bool { counts.isEmpty }

  /// Reads `keep-all=1`, `keep-last=3,keep-daily=7`, and so on.
  ///
  /// No positive count at all means keep all.
  ///
  /// - Throws: `INVALID_RETENTION` for unknown keys, counts that are no whole numbers, and `keep-all` beside others.
  public init(parsing text: String) throws(RulesError) {
    let properties = try PropertyString(parsing: text)
    var counts: [Span: Int] = [:]
    var keepAll = false
    for pair in properties.pairs {
      if pair.key == "keep-all" {
        guard let value = PropertyValue.boolean(pair.value) else {
          throw RulesError(.invalidRetention, "keep-all is \(quoted(pair.value)), not 0 or 1")
        }
        keepAll = value
        continue
      }
      guard let span = Span(rawValue: pair.key) else {
        throw RulesError(
          .invalidRetention, "\(quoted(pair.key)) is no retention rule",
          hint: "the rules are keep-all, \(Span.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      guard let count = PropertyValue.integer(pair.value), count >= 0, let count = Int(exactly: count) else {
        throw RulesError(.invalidRetention, "\(pair.key) is \(quoted(pair.value)), not a whole number from 0 up")
      }
      counts[span] = count
    }
    try self.init(counts)
    if keepAll, !isKeepAll {
      throw RulesError(.invalidRetention, "keep-all cannot be set together with other rules")
    }
  }

  /// The setting as `storage.cfg` holds it, rules in the order in which they apply.
  public var description: String {
    if isKeepAll { return "keep-all=1" }
    return Span.allCases.filter { self[$0] > 0 }.map { "\($0.rawValue)=\(self[$0])" }.joined(separator: ",")
  }
}
