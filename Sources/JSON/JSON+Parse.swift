// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

extension JSON {
  /// Reads one JSON text (RFC 8259), strictly.
  ///
  /// Refused: anything after the value, a byte order mark, invalid UTF-8, NUL in strings, a name twice in one object
  /// (names that Unicode holds for the same included), integers beyond 64 bits, reals beyond a double, and whatever
  /// exceeds the limits.
  public static func parse(
    _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
  ) throws(JSONError) -> JSON {
    guard bytes.count <= limits.maxBytes else {
      throw JSONError(.tooLarge, "\(bytes.count) bytes; at most \(limits.maxBytes) are accepted")
    }
    if let value = PlainReader.read(bytes, limits: limits) { return value }
    guard TextScan.openersAndCommas(bytes) <= limits.maxValues else {
      throw JSONError(.tooLarge, "more than \(limits.maxValues) values in one text")
    }
    let document = try JSONDocument(bytes)
    return try document.value(limits: limits)
  }

  /// Reads one JSON text, strictly; see ``parse(_:limits:)-(UnsafeRawBufferPointer,_)``.
  public static func parse(_ bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> JSON {
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
      try parse(UnsafeRawBufferPointer(buffer), limits: limits)
    }
  }

  /// Reads one JSON text, strictly; see ``parse(_:limits:)-(UnsafeRawBufferPointer,_)``.
  public static func parse(_ bytes: ArraySlice<UInt8>, limits: JSONLimits = .standard) throws(JSONError) -> JSON {
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
      try parse(UnsafeRawBufferPointer(buffer), limits: limits)
    }
  }

  /// Reads one JSON text, strictly; see ``parse(_:limits:)-(UnsafeRawBufferPointer,_)``.
  public static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONError) -> JSON {
    try parse(Array(text.utf8), limits: limits)
  }
}
