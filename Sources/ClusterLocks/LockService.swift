// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Named leases with fencing tokens, fair queues and visible holders.
///
/// Implementations: ``EmbeddedLocks`` for one node. A cluster brings its own.
public protocol LockService: Sendable {
  /// Waits for a lock in its queue: first come, first served.
  ///
  /// A task cancelled while it waits leaves the queue. One granted the lock at the same moment gets the lease and has
  /// to release it, cancelled or not.
  func acquire(_ request: LockRequest) async throws(LockError) -> Lease

  /// Starts the lease's time anew.
  ///
  /// - Throws: `LOCK_LOST` when the lease is not held any more or is being taken back.
  func renew(_ lease: Lease) async throws(LockError)

  /// Gives a lock back. Releasing twice, or after the lease was taken back, does nothing.
  func release(_ lease: Lease) async

  /// Frees a lock whose holder could not be killed and is gone now. The same as ``release(_:)`` otherwise.
  func confirmDead(_ lease: Lease) async

  /// All locks that are held or waited for, in the order of their names.
  func list() async -> [LockStatus]
}

extension LockService {
  /// Takes several locks in the order of their names, each once, so that two callers can never wait for each other.
  ///
  /// - Parameters:
  ///   - names: in any order.
  ///   - template: owner, operation and time of the requests; its own name is not used, its timeout is for all together.
  /// - Returns: leases in the order of their names. Give them back with ``releaseAll(_:)``.
  public func acquireAll(
    _ names: some Sequence<LockName>, as template: LockRequest
  ) async throws(LockError) -> [Lease] {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: template.timeout)
    var leases: [Lease] = []
    for name in Set(names).sorted() {
      var request = template
      request.name = name
      if !leases.isEmpty { request.timeout = max(.zero, clock.now.duration(to: deadline)) }
      do throws(LockError) {
        leases.append(try await acquire(request))
      } catch {
        await releaseAll(leases)
        throw error
      }
    }
    return leases
  }

  /// Gives several locks back, last taken first.
  public func releaseAll(_ leases: [Lease]) async {
    for lease in leases.reversed() { await release(lease) }
  }

  /// Runs work under a lock and gives it back whatever happens.
  public func withLock<Value: Sendable>(
    _ request: LockRequest, _ body: (Lease) async throws -> Value
  ) async throws -> Value {
    let lease = try await acquire(request)
    do {
      let value = try await body(lease)
      await release(lease)
      return value
    } catch {
      await release(lease)
      throw error
    }
  }
}
