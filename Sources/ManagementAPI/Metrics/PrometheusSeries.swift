// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CoreMetrics
internal import Synchronization

/// One series of figures, whatever its kind.
final class PrometheusSeries: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  enum Kind: Sendable, Hashable {
    case counter
    case gauge
    case summary
    /// A summary fed with nanoseconds and shown in seconds.
    case seconds
  }

  struct Value: Sendable {
    var count: Int64 = 0
    var sum: Double = 0
  }

  let kind: Kind
  private let state = Mutex(Value())

  init(_ kind: Kind) { self.kind = kind }

  var value: Value { state.withLock { $0 } }

  func increment(by amount: Int64) { add(Double(amount)) }
  func increment(by amount: Double) { add(amount) }
  func decrement(by amount: Double) { add(-amount) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0.sum = value } }
  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    if kind == .gauge { set(value) } else { add(value) }
  }

  func recordNanoseconds(_ duration: Int64) { add(Double(duration) / 1e9) }
  func reset() { state.withLock { $0 = Value() } }

  private func add(_ amount: Double) {
    state.withLock {
      $0.count += 1
      $0.sum += amount
    }
  }
}
