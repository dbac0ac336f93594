// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why some bytes are no acceptable JSON, or why a value is not what the reader needs.
///
/// Messages never quote the input: it may hold secrets.
public struct JSONError: Error, Sendable, Hashable {
  /// What sort of fault it is.
  public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The bytes are no JSON.
    public static let syntax = Code(rawValue: "syntax")
    /// The bytes are no valid UTF-8, or a string holds half a surrogate pair.
    public static let utf8 = Code(rawValue: "utf8")
    /// A string holds NUL.
    public static let nul = Code(rawValue: "nul")
    /// One object holds the same name twice.
    public static let duplicateKey = Code(rawValue: "duplicate-key")
    /// An integer outside the signed 64-bit range, or a real too large for a double.
    public static let numberRange = Code(rawValue: "number-range")
    /// More bytes than the reader allows.
    public static let tooLarge = Code(rawValue: "too-large")
    /// Nested deeper than the reader allows.
    public static let tooDeep = Code(rawValue: "too-deep")
    /// A member that must be there is missing.
    public static let missing = Code(rawValue: "missing")
    /// The value is of another type than the one needed.
    public static let type = Code(rawValue: "type")
    /// The type is right, the value is not allowed.
    public static let value = Code(rawValue: "value")
    /// A member the reader does not know, where unknown members are refused.
    public static let unknownMember = Code(rawValue: "unknown-member")
  }

  public var code: Code
  /// Where the value stands; the root for faults of the bytes themselves.
  public var path: JSONPath
  /// What is wrong and what would be right; without any of the input.
  public var message: String

  public init(_ code: Code, at path: JSONPath = .root, _ message: String) {
    self.code = code
    self.path = path
    self.message = message
  }
}

extension JSONError {
  /// "must be …, is …".
  public static func mismatch(_ wanted: String, found: JSON, at path: JSONPath) -> JSONError {
    JSONError(.type, at: path, "must be \(wanted), is \(found.kind.rawValue)")
  }

  /// The right type with a value that is not allowed; say what would be.
  public static func invalid(_ message: String, at path: JSONPath) -> JSONError {
    JSONError(.value, at: path, message)
  }
}

extension JSONError: CustomStringConvertible {
  public var description: String {
    let place = path.pointer
    return place.isEmpty ? message : "\(place): \(message)"
  }
}
