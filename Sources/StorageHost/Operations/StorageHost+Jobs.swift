// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import StorageProtocol

extension StorageHost {
  /// Jobs, the newest first.
  public func jobs(
    _ filter: JobStore.Filter = JobStore.Filter(), before: OperationID? = nil, limit: Int = 100
  ) async throws(StorageError) -> [Job] {
    do throws(JobsError) { return try await jobStore.list(filter, before: before, limit: limit) } catch {
      throw StorageError(error)
    }
  }

  public func job(_ id: OperationID) async throws(StorageError) -> Job {
    do throws(JobsError) { return shown.complete(try await jobStore.job(id)) } catch { throw StorageError(error) }
  }

  /// Asks a job to stop; it may be too late.
  public func cancelJob(_ id: OperationID, _ caller: Caller) async throws(StorageError) -> Job {
    do throws(JobsError) { return try await jobStore.cancel(id) } catch { throw StorageError(error) }
  }

  /// Waits for a job's end, at most so long.
  public func waitJob(_ id: OperationID, timeout: Duration? = nil) async throws(StorageError) -> Job {
    do throws(JobsError) { return shown.complete(try await jobStore.wait(id, timeout: timeout)) } catch {
      throw StorageError(error)
    }
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
