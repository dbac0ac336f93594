// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How much a reader accepts.
public struct JSONLimits: Sendable, Hashable {
  /// Most bytes of a text, checked before a byte of it is parsed.
  public var maxBytes: Int
  /// Deepest nesting of arrays and objects; a scalar has depth 0, `[]` has depth 1.
  public var maxDepth: Int

  /// The protocol's limits unless given: 4 MiB and 64 levels.
  public init(maxBytes: Int = 4 << 20, maxDepth: Int = 64) {
    self.maxBytes = maxBytes
    self.maxDepth = maxDepth
  }

  /// 4 MiB and 64 levels.
  public static let standard = JSONLimits()
}
