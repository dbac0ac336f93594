// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The paths of the management API, made in one place for the server, the client and the tests.
///
/// Volume ids hold slashes and colons, so they are percent-encoded into one path segment:
/// `local:100/vm-100-disk-0.qcow2` → `/api/v1/volumes/local%3A100%2Fvm-100-disk-0.qcow2`.
public struct APIPath: Sendable, Hashable, CustomStringConvertible {
  /// What every path begins with.
  public static let prefix = "/api/v1"

  /// The path with its query, as it goes into a request line.
  public private(set) var description: String
  private var hasQuery = false

  /// The path made of these segments, each encoded.
  public init(_ segments: String...) {
    description = Self.prefix + segments.map { "/" + Self.encode($0) }.joined()
  }

  /// The same with a query parameter added; nothing is added for nil.
  public func query(_ name: String, _ value: String?) -> APIPath {
    guard let value else { return self }
    var copy = self
    copy.description += (hasQuery ? "&" : "?") + Self.encode(name) + "=" + Self.encode(value)
    copy.hasQuery = true
    return copy
  }

  /// The same with a query parameter added; nothing is added for nil.
  public func query(_ name: String, _ value: Int64?) -> APIPath { query(name, value.map(String.init)) }

  /// The same with a flag added when it is set.
  public func query(_ name: String, _ flag: Bool) -> APIPath { flag ? query(name, "true") : self }

  /// Percent-encodes everything but the unreserved characters of RFC 3986.
  public static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default:
        bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Undoes ``encode(_:)``; nil for a broken escape, for NUL and for what is no UTF-8.
  public static func decode(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.next().flatMap(nibble), let low = rest.next().flatMap(nibble) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
