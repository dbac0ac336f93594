// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import StorageProtocol
internal import Synchronization

/// Runs what may block on a storage's own file system (a dead NFS server blocks for ever) on threads of its own: the
/// caller waits no longer than its deadline, and one storage never holds more than a few threads.
enum FileWork {
  /// Calls of one storage that may be under way, hung ones among them.
  static let maximumPerStorage = 4

  private static let running = Mutex<[String: Int]>([:])

  /// - Throws: OVERLOADED when earlier calls of this storage still hang, DEADLINE_EXCEEDED, and what the work throws.
  static func run<Value: Sendable>(
    _ storage: Storage, timeout: Duration, _ work: @escaping @Sendable () throws(StorageError) -> Value
  ) async throws(StorageError) -> Value {
    let storeid = storage.id
    let isFree = running.withLock { running in
      guard running[storeid, default: 0] < maximumPerStorage else { return false }
      running[storeid, default: 0] += 1
      return true
    }
    guard isFree else {
      throw .refused(
        .overloaded, "the directory of storage '\(storeid)' has not answered \(maximumPerStorage) earlier calls",
        hint: "see whether its file system hangs")
    }
    let seconds = Double(timeout.components.seconds) + Double(timeout.components.attoseconds) / 1e18
    let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
      let once = Once(continuation)
      DispatchQueue.global().asyncAfter(deadline: .now() + seconds) {
        once.resume(
          .failure(
            .refused(
              .deadlineExceeded, "the directory of storage '\(storeid)' did not answer in \(timeout)",
              hint: "see whether its file system hangs")))
      }
      // A queue of its own each: a hung call holds its thread, not its neighbours.
      DispatchQueue(label: "berth.files.\(storeid)").async {
        let result: Result<Value, StorageError>
        do throws(StorageError) { result = .success(try work()) } catch { result = .failure(error) }
        running.withLock { $0[storeid, default: 1] -= 1 }
        once.resume(result)
      }
    }
    return try result.get()
  }

  /// A continuation that only the first of two resumes.
  private final class Once<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Result<Value, StorageError>, Never>?>

    init(_ continuation: CheckedContinuation<Result<Value, StorageError>, Never>) {
      self.continuation = Mutex(continuation)
    }

    func resume(_ result: Result<Value, StorageError>) {
      let first = continuation.withLock { held in
        defer { held = nil }
        return held
      }
      first?.resume(returning: result)
    }
  }
}
