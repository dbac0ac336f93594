// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims

/// Runs work that may block on a thread of its own, so that the cooperative pool never waits for the kernel.
enum Blocking {
  private final class Job: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on a fresh thread and returns what it returns.
  static func run<Success: Sendable>(_ body: @escaping @Sendable () -> Success) async -> Success {
    await withCheckedContinuation { continuation in
      let job = Job { continuation.resume(returning: body()) }
      let context = Unmanaged.passRetained(job).toOpaque()
      let result = berth_thread_start("berth-sandbox", 256 << 10, Self.enter, context)
      // Without a thread (out of memory or at the limit of tasks) the caller's own thread does it: slow, not wrong.
      if result < 0 { Self.enter(context) }
    }
  }

  /// The same for work that throws.
  static func run<Success: Sendable>(
    _ body: @escaping @Sendable () throws(SandboxError) -> Success
  ) async throws(SandboxError) -> Success {
    let result: Result<Success, SandboxError> = await run {
      do throws(SandboxError) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Runs `body` on a fresh thread and lets it go.
  static func detach(_ body: @escaping @Sendable () -> Void) {
    let context = Unmanaged.passRetained(Job(body)).toOpaque()
    if berth_thread_start("berth-sandbox", 256 << 10, Self.enter, context) < 0 { Self.enter(context) }
  }

  private static let enter: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
    guard let context else { return }
    Unmanaged<Job>.fromOpaque(context).takeRetainedValue().body()
  }
}
