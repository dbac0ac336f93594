// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims

/// Work that blocks (files, pipes, waits) gets a thread of its own: the cooperative pool is as small as the machine.
enum OwnThread {
  private final class Box {
    let body: @Sendable () -> Void

    init(body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a detached thread with every signal blocked; `name` (15 bytes are kept) shows in `top -H`.
  ///
  /// - Returns: false when the system has no room for another thread; nothing was started then.
  static func start(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    let box = Unmanaged.passRetained(Box(body: body))
    let failed = berth_thread_start(
      name, 512 << 10,
      { argument in
        // The thread gets exactly the pointer given below; it is never nil.
        Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
      }, box.toOpaque())
    if failed != 0 { box.release() }
    return failed == 0
  }

  /// Runs blocking `work` on a thread of its own and suspends until it returns; inline when no thread can be had.
  static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      if !start(name: "berth-blocking", { continuation.resume(returning: work()) }) {
        continuation.resume(returning: work())
      }
    }
  }
}
