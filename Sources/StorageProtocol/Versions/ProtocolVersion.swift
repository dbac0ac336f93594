// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// A version of the wire protocol, `MAJOR.MINOR`.
public struct ProtocolVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let major: Int
  public let minor: Int

  public init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads `MAJOR.MINOR`, both plain decimals without leading zeros; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = Self.number(parts[0]), let minor = Self.number(parts[1]) else { return nil }
    self.init(major, minor)
  }

  private static func number(_ text: Substring) -> Int? {
    guard (1...6).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    guard text == "0" || text.utf8.first != 0x30 else { return nil }
    return Int(text)
  }

  public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  public var description: String { "\(major).\(minor)" }
}

extension ProtocolVersion: JSONCodable {
  public init(json: JSON, path: JSONPath) throws(JSONError) {
    guard let version = ProtocolVersion(try String(json: json, path: path)) else {
      throw .invalid("must be a protocol version such as 1.0", at: path)
    }
    self = version
  }

  public func json() -> JSON { .string(description) }
}
