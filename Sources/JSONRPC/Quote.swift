// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Text that came from elsewhere, made safe to print: bounded, one line, nothing but printable ASCII unescaped.
public enum Quote {
  /// Bytes shown at most.
  public static let limit = 160

  /// The bytes in double quotes, control and non-ASCII bytes as `\xNN`, cut with a note of the whole length.
  public static func bytes(_ bytes: some Collection<UInt8>, limit: Int = limit) -> String {
    var text = "\""
    for byte in bytes.prefix(limit) {
      switch byte {
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case UInt8(ascii: "\n"): text += "\\n"
      case UInt8(ascii: "\r"): text += "\\r"
      case UInt8(ascii: "\t"): text += "\\t"
      case 0x20..<0x7F: text.unicodeScalars.append(UnicodeScalar(byte))
      default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    text += "\""
    return bytes.count > limit ? text + "… (\(bytes.count) bytes)" : text
  }

  /// The text quoted as its UTF-8 bytes.
  public static func text(_ text: String, limit: Int = limit) -> String { bytes(text.utf8, limit: limit) }
}
