// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageRules

/// How fast data may move, per occasion: the `bwlimit` setting. Bytes per second; a limit of 0 is none.
public struct BandwidthLimits: Sendable, Hashable {
  public enum Occasion: String, Sendable, Hashable, CaseIterable {
    case clone
    case migration
    case move
    case restore
  }

  private var limits: [Occasion: Int64] = [:]
  /// For occasions without a limit of their own.
  private var fallback: Int64?

  /// No limits at all.
  public init() {}

  /// Reads `default=1000,migration=5000` (KiB per second).
  init(parsing text: String) throws(ValueFault) {
    let properties: PropertyString
    do throws(RulesError) {
      properties = try PropertyString(parsing: text)
    } catch {
      throw ValueFault("is wrong: \(error.description)")
    }
    for pair in properties.pairs {
      guard let kibibytes = Double(pair.value), kibibytes.isFinite, kibibytes >= 0, kibibytes <= 1e15 else {
        throw ValueFault("gives \(quoted(pair.key)) no number of KiB per second from 0 up")
      }
      let bytes = Int64(kibibytes * 1024)
      if pair.key == "default" {
        fallback = bytes
      } else if let occasion = Occasion(rawValue: pair.key) {
        limits[occasion] = bytes
      } else {
        throw ValueFault(
          "names \(quoted(pair.key)); the occasions are default, \(Occasion.allCases.map(\.rawValue).joined(separator: ", "))"
        )
      }
    }
  }

  /// Bytes per second; `nil` when nothing is set, 0 for no limit.
  public func limit(for occasion: Occasion) -> Int64? { limits[occasion] ?? fallback }

  /// The smallest of several limits in bytes per second; `nil` when none of them limits anything.
  public static func smallest(_ limits: [Int64?]) -> Int64? { limits.compactMap { $0 }.filter { $0 > 0 }.min() }
}
