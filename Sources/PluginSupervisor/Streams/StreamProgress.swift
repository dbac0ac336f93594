// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Tells how many bytes of a stream have passed.
public final class StreamProgress: Sendable, Hashable {
  let moved: @Sendable (Int64) -> Void

  /// - Parameter moved: gets the bytes so far, after each piece; runs on the stream's own thread and must not block.
  public init(_ moved: @escaping @Sendable (_ bytes: Int64) -> Void) { self.moved = moved }

  public static func == (one: StreamProgress, other: StreamProgress) -> Bool { one === other }

  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
