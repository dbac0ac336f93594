// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Quotes text of the configuration for a message: control characters escaped, cut to 120 characters.
func quoted(_ text: some StringProtocol) -> String {
  var result = "'"
  for (count, scalar) in text.unicodeScalars.enumerated() {
    if count == 120 {
      result += "…"
      break
    }
    let hidden = scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
    result += hidden ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
  }
  return result + "'"
}

/// Space and the ASCII controls that count as blanks in the configuration file.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
