// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A property string: `keep-last=3,keep-daily=7`, or with a default key `raw,size=3G`.
///
/// Pairs keep their order. Keys occur once. Values hold neither commas nor line feeds.
public struct PropertyString: Sendable, Hashable, CustomStringConvertible {
  public struct Pair: Sendable, Hashable {
    public var key: String
    public var value: String

    public init(key: String, value: String) {
      self.key = key
      self.value = value
    }
  }

  public private(set) var pairs: [Pair]

  /// Reads a property string.
  ///
  /// - Parameter defaultKey: the key a value without `=` belongs to; without one such a value is an error.
  /// - Throws: `INVALID_PROPERTY` naming the part that is wrong.
  public init(parsing text: String, defaultKey: String? = nil) throws(RulesError) {
    pairs = []
    if let byte = text.utf8.first(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
      throw RulesError(
        .invalidProperty,
        "the property string \(quoted(text)) holds the control character U+\(String(byte, radix: 16, uppercase: true))")
    }
    for part in text.utf8.split(separator: UInt8(ascii: ",")).map(Substring.init) {
      if part.utf8.allSatisfy(ListText.isBlank) { continue }
      let pair: Pair
      if let equals = part.utf8.firstIndex(of: UInt8(ascii: "=")) {
        pair = Pair(key: String(part[..<equals]), value: String(part[part.utf8.index(after: equals)...]))
        guard !pair.key.isEmpty else {
          throw RulesError(.invalidProperty, "\(quoted(part)) has no key before '='")
        }
        guard !pair.value.isEmpty else {
          throw RulesError(.invalidProperty, "\(quoted(part)) has no value after '='")
        }
      } else if let defaultKey {
        pair = Pair(key: defaultKey, value: String(part))
      } else {
        throw RulesError(.invalidProperty, "\(quoted(part)) is not of the form key=value")
      }
      guard self[pair.key] == nil else {
        throw RulesError(.invalidProperty, "the key \(quoted(pair.key)) occurs twice in \(quoted(text))")
      }
      pairs.append(pair)
    }
  }

  /// The value of a key, `nil` when it does not occur.
  public subscript(key: String) -> String? { pairs.first { $0.key == key }?.value }

  /// The string as it is written: every pair with its key.
  public var description: String { pairs.map { "\($0.key)=\($0.value)" }.joined(separator: ",") }
}
