// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Writes values as JSON text into a buffer the caller reuses.
///
/// Integers are exact, reals round-trip (the shortest digits that read back as the same double, always with a point
/// or an exponent so that they stay reals), strings escape only what RFC 8259 demands. A real that is not finite has
/// no JSON form and is written as `null`.
public struct JSONWriter: Sendable {
  /// How the text is laid out.
  public enum Style: Sendable, Hashable {
    /// One line without spaces: the wire.
    case compact
    /// One line, names sorted by their bytes: equal values give equal text.
    case canonical
    /// Indented by two spaces, one member a line: people.
    case pretty
  }

  private let sorts: Bool
  private let indents: Bool

  public init(_ style: Style = .compact) {
    sorts = style == .canonical
    indents = style == .pretty
  }

  /// Appends the text of the value.
  public func write(_ value: JSON, into buffer: inout [UInt8]) { write(value, depth: 0, into: &buffer) }

  private func write(_ value: JSON, depth: Int, into buffer: inout [UInt8]) {
    switch value {
    case .null: buffer.append(literal: "null")
    case .bool(true): buffer.append(literal: "true")
    case .bool(false): buffer.append(literal: "false")
    case .int(let number): buffer.append(decimal: number)
    case .double(let number): buffer.append(real: number)
    case .string(let string): buffer.append(quoted: string)
    case .array(let elements): write(elements, depth: depth, into: &buffer)
    case .object(let object): write(sorts ? object.sorted : object, depth: depth, into: &buffer)
    }
  }

  private func write(_ elements: [JSON], depth: Int, into buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "["))
    var first = true
    for element in elements {
      separate(&first, depth: depth + 1, into: &buffer)
      write(element, depth: depth + 1, into: &buffer)
    }
    if !elements.isEmpty { breakLine(depth, into: &buffer) }
    buffer.append(UInt8(ascii: "]"))
  }

  private func write(_ object: JSONObject, depth: Int, into buffer: inout [UInt8]) {
    buffer.append(UInt8(ascii: "{"))
    var first = true
    for member in object.members {
      separate(&first, depth: depth + 1, into: &buffer)
      buffer.append(quoted: member.key)
      buffer.append(UInt8(ascii: ":"))
      if indents { buffer.append(UInt8(ascii: " ")) }
      write(member.value, depth: depth + 1, into: &buffer)
    }
    if !object.isEmpty { breakLine(depth, into: &buffer) }
    buffer.append(UInt8(ascii: "}"))
  }

  private func separate(_ first: inout Bool, depth: Int, into buffer: inout [UInt8]) {
    if !first { buffer.append(UInt8(ascii: ",")) }
    first = false
    breakLine(depth, into: &buffer)
  }

  private func breakLine(_ depth: Int, into buffer: inout [UInt8]) {
    guard indents else { return }
    buffer.append(UInt8(ascii: "\n"))
    buffer.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }
}

extension JSON {
  /// Appends this value as compact JSON text.
  public func write(into buffer: inout [UInt8]) { JSONWriter().write(self, into: &buffer) }

  /// This value as JSON text.
  public func bytes(_ style: JSONWriter.Style = .compact) -> [UInt8] {
    var buffer: [UInt8] = []
    JSONWriter(style).write(self, into: &buffer)
    return buffer
  }

  /// This value as JSON text.
  public func text(_ style: JSONWriter.Style = .compact) -> String { String(decoding: bytes(style), as: UTF8.self) }
}
