// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How much a reader accepts.
public struct JSONLimits: Sendable, Hashable {
  /// Most bytes of a text, checked before a byte of it is parsed.
  public var maxBytes: Int
  /// Deepest nesting of arrays and objects; a scalar has depth 0, `[]` has depth 1.
  public var maxDepth: Int

  /// Most values in a text, as its commas and opening brackets bound them. A value takes some 150 bytes of memory while
  /// it is read, but only two of the text: without this bound a small text could cost a lot.
  public var maxValues: Int

  /// The protocol's limits unless given: 4 MiB and 64 levels, with room for a million values.
  public init(maxBytes: Int = 4 << 20, maxDepth: Int = 64, maxValues: Int = 1_000_000) {
    self.maxBytes = maxBytes
    self.maxDepth = maxDepth
    self.maxValues = maxValues
  }

  /// The protocol's limits.
  public static let standard = JSONLimits()
}
