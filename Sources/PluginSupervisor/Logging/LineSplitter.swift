// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Cuts a byte stream into lines fit for a log: bounded in length, free of control characters.
struct LineSplitter {
  /// Bytes of a line that are kept; the rest is counted and named.
  let limit: Int
  private var line: [UInt8] = []
  private var dropped = 0

  init(limit: Int = 4096) {
    self.limit = limit
  }

  /// Feeds bytes; `emit` gets every line that ended in them.
  mutating func feed(_ bytes: UnsafeRawBufferPointer, _ emit: (String) -> Void) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        emit(take())
      } else if line.count < limit {
        line.append(byte)
      } else {
        dropped += 1
      }
    }
  }

  /// The last line, when the stream ended without a newline.
  mutating func finish(_ emit: (String) -> Void) {
    if !line.isEmpty || dropped > 0 { emit(take()) }
  }

  private mutating func take() -> String {
    var bytes = line[...]
    if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
    var text = escaped(bytes)
    if dropped > 0 { text += " … (\(dropped) more bytes)" }
    line.removeAll(keepingCapacity: line.capacity <= limit)
    dropped = 0
    return text
  }
}

/// Text from a plugin as it may stand in a log or message: control characters and invalid UTF-8 become visible escapes,
/// so that no line can be forged and no terminal be steered.
func escaped(_ bytes: some Sequence<UInt8>) -> String {
  let bytes = Array(bytes)
  // Most of what plugins write; a flood of it must not cost the host a look at every character's properties.
  if bytes.allSatisfy({ ($0 >= 0x20 && $0 < 0x7f) || $0 == 0x09 }) { return String(decoding: bytes, as: UTF8.self) }
  var text = ""
  for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control where scalar == "\t": text.unicodeScalars.append(scalar)
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
      text += "\\u{\(String(scalar.value, radix: 16))}"
    default: text.unicodeScalars.append(scalar)
    }
  }
  return text
}

/// The same for a string, cut to so many characters.
func quoted(_ text: String, limit: Int = 200) -> String {
  let cut = text.utf8.count > limit
  return escaped(text.utf8.prefix(limit)) + (cut ? "…" : "")
}
