// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Jobs
public import StorageProtocol

extension StorageHost {
  /// Runs any operation as a job: progress, log, cancel and result stay visible after its caller has gone.
  ///
  /// A repeated request with the same idempotency key finds the first job.
  /// - Parameters:
  ///   - kind: the operation's name, such as `clone_image`.
  ///   - title: one line for people.
  ///   - request: what was asked for, to tell a repeated request from a different one; no secrets.
  ///   - body: gets this host and the caller with the job's handle in it.
  public func submit(
    _ kind: String, on storeid: String, title: String, request: JSONObject, _ caller: Caller,
    body: @escaping @Sendable (StorageHost, Caller) async throws(StorageError) -> JSON
  ) async throws(StorageError) -> Job {
    try checkOpen()
    let job = JobRequest(
      kind: kind, storeid: storeid, title: title, owner: caller.actor, idempotencyKey: caller.idempotencyKey,
      paramsDigest: Fingerprint.of(kind, storeid, request))
    do throws(JobsError) {
      return try await jobStore.submit(job) { (handle) async throws(StorageError) in
        var inner = caller
        inner.job = handle
        return try await body(self, inner)
      }
    } catch { throw StorageError(error) }
  }

  /// Jobs, the newest first.
  public func jobs(
    _ filter: JobStore.Filter = JobStore.Filter(), before: OperationID? = nil, limit: Int = 100
  ) async throws(StorageError) -> [Job] {
    do throws(JobsError) { return try await jobStore.list(filter, before: before, limit: limit) } catch {
      throw StorageError(error)
    }
  }

  public func job(_ id: OperationID) async throws(StorageError) -> Job {
    do throws(JobsError) { return try await jobStore.job(id) } catch { throw StorageError(error) }
  }

  /// Asks a job to stop; it may be too late.
  public func cancelJob(_ id: OperationID, _ caller: Caller) async throws(StorageError) -> Job {
    do throws(JobsError) { return try await jobStore.cancel(id) } catch { throw StorageError(error) }
  }

  /// Waits for a job's end, at most so long.
  public func waitJob(_ id: OperationID, timeout: Duration? = nil) async throws(StorageError) -> Job {
    do throws(JobsError) { return try await jobStore.wait(id, timeout: timeout) } catch { throw StorageError(error) }
  }

  /// A job's log lines from a sequence number on.
  public func jobLog(
    _ id: OperationID, from: Int64 = 0, limit: Int = 1_000
  ) async throws(StorageError) -> [JobLogLine] {
    do throws(JobsError) { return try await jobStore.log(id, from: from, limit: limit) } catch {
      throw StorageError(error)
    }
  }
}
