// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A plugin is held back: it makes processes without end.
public struct HoldBack: Sendable, Hashable {
  /// How many it may have.
  public var limit: UInt32
  /// How many more it has asked for so far.
  public var refused: UInt64
  /// What is left to it meanwhile, in hundredths of one processor.
  public var share: UInt32

  public var text: String {
    "held back to \(share) % of a processor: it goes on making more processes than the \(limit) it may have at once "
      + "(\(refused) refused so far)"
  }
}
