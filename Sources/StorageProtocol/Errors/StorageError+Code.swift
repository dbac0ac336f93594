// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension StorageError {
  /// An error's number. Open: a later version may add codes; numbers and symbols never change.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: Int

    public init(rawValue: Int) {
      self.rawValue = rawValue
    }
  }
}

extension StorageError.Code {
  /// Which side answers with a code.
  enum RaisedBy: Sendable, Hashable {
    /// JSON-RPC itself.
    case wire
    case plugin
    /// The host, about a plugin or to a plugin; a plugin never sends it.
    case host
    case both
  }

  /// A row of the error table.
  struct Entry: Sendable {
    let code: StorageError.Code
    let symbol: String
    let retry: RetryClass
    let raisedBy: RaisedBy
  }

  private static let byCode = Dictionary(uniqueKeysWithValues: table.map { ($0.code, $0) })
  private static let bySymbol = Dictionary(uniqueKeysWithValues: table.map { ($0.symbol, $0.code) })

  /// Every code this version knows.
  public static let all = table.map(\.code)

  /// The code of that symbol; nil when this version has none.
  public init?(symbol: String) {
    guard let code = Self.bySymbol[symbol] else { return nil }
    self = code
  }

  /// The stable name, such as `NO_SPACE`; `ERROR_<number>` for a code of a later version.
  public var symbol: String { Self.byCode[self]?.symbol ?? "ERROR_\(rawValue)" }

  /// What the error table says a caller may do.
  public var defaultRetry: RetryClass { Self.byCode[self]?.retry ?? .never }

  /// Whether a plugin may answer with it; the others are the host's own findings.
  public var mayComeFromPlugin: Bool { Self.byCode[self]?.raisedBy != .host }
}

extension StorageError.Code: CustomStringConvertible {
  public var description: String { symbol }
}
