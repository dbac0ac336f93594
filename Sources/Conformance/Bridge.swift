// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import Synchronization

/// The way from a plain thread into asynchronous code and back: checks are plain sequences of steps with deadlines.
enum Bridge {
  private final class Slot<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs asynchronous work and blocks this thread until it is done. Never on the cooperative pool.
  static func wait<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
    let slot = Slot<Value>()
    var ends: [Int32] = [-1, -1]
    guard berth_pipe(&ends) == 0 else { preconditionFailure("no pipe can be made") }
    let (reading, writing) = (ends[0], ends[1])
    Task.detached {
      let value = await work()
      slot.value.withLock { $0 = value }
      close(writing)
    }
    var byte: UInt8 = 0
    // The end of the pipe is the signal.
    _ = berth_read(reading, &byte, 1)
    close(reading)
    guard let value = slot.value.withLock({ $0 }) else { preconditionFailure("the work ended without a value") }
    return value
  }

  /// Runs blocking work on a thread of its own and suspends until it is done.
  static func blocking<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      let body = Unmanaged.passRetained(Body { continuation.resume(returning: work()) })
      let failed = berth_thread_start(
        "conformance", 0,
        { argument in
          // The thread gets exactly the pointer given below; it is never nil.
          Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
        }, body.toOpaque())
      if failed != 0 {
        body.release()
        preconditionFailure("no thread can be started")
      }
    }
  }
}
