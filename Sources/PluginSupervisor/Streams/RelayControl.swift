// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The orders a relay thread obeys, and the wake that makes it look at them.
final class RelayControl: Sendable {
  enum Order: Sendable {
    /// Move bytes.
    case run
    /// The plugin's reply came: move what is left, compare, end.
    case settle(StreamClaim)
    /// End at once.
    case stop
  }

  let wake: Wake
  let life: SignsOfLife
  private let current = Mutex(Order.run)

  init(wake: Wake, life: SignsOfLife) {
    self.wake = wake
    self.life = life
  }

  var order: Order { current.withLock { $0 } }

  /// The relay's result as far as it tells a cause.
  ///
  /// A stop cancels the caller as well, and what that breaks the relay may meet before it has seen the stop itself.
  func judged(_ result: Result<StreamReport, StreamFailure>) -> Result<StreamReport, StreamFailure> {
    guard case .failure(let failure) = result, case .stop = order else { return result }
    return .failure(StreamFailure(.cancelled, "the stream was cancelled", bytes: failure.bytes))
  }

  /// Later orders replace earlier ones, but nothing undoes a stop.
  func give(_ order: Order) {
    current.withLock {
      if case .stop = $0 { return }
      $0 = order
    }
    wake.signal()
  }
}
