// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Synchronization

/// Tells how many bytes of a stream have passed, at most five times a second.
public final class StreamProgress: Sendable, Hashable {
  private let told = Mutex<Int64>(.min)
  private let tell: @Sendable (Int64) -> Void
  private static let interval: Int64 = 200_000_000

  /// - Parameter tell: gets the bytes so far; runs on the stream's own thread and must not block.
  public init(_ tell: @escaping @Sendable (_ bytes: Int64) -> Void) { self.tell = tell }

  func moved(_ bytes: Int64) {
    let now = berth_monotonic_ns()
    let isDue = told.withLock { told in
      guard told == .min || now - told >= Self.interval else { return false }
      told = now
      return true
    }
    if isDue { tell(bytes) }
  }

  public static func == (one: StreamProgress, other: StreamProgress) -> Bool { one === other }

  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
