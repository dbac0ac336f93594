// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Runs code that may block on a thread of its own: nothing may block the threads that run tasks.
enum BlockingThread {
  private final class Job: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let job = Job { continuation.resume(with: Result(catching: body)) }
      var attributes = pthread_attr_t()
      pthread_attr_init(&attributes)
      pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
      defer { pthread_attr_destroy(&attributes) }
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(job)
      let status = pthread_create(
        &thread, &attributes,
        { raw in
          // The argument is the job retained above, handed over exactly once.
          guard let raw else { return nil }
          Unmanaged<Job>.fromOpaque(raw).takeRetainedValue().body()
          return nil
        }, argument.toOpaque())
      if status != 0 {
        argument.release()
        continuation.resume(throwing: StreamError(operation: "pthread_create", errno: status))
      }
    }
  }
}
