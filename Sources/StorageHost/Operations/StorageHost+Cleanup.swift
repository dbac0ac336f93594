// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import StorageProtocol

extension StorageHost {
  static let cleanupScope = "cleanup"

  /// Remembers a clean-up that `free_image` left for later, before the free is acknowledged.
  func noteCleanup(_ answer: JSONObject, _ storage: Storage, _ volname: String) async throws(StorageError) -> String? {
    guard let cleanup = answer["cleanup"]?.objectValue, let token = cleanup["token"]?.stringValue else { return nil }
    let value: JSON = ["storeid": .string(storage.id), "token": .string(token), "volname": .string(volname)]
    do throws(JobsError) {
      try await notes.put(Self.cleanupScope, "\(storage.id)\n\(token)", value.text())
    } catch { throw StorageError(error).with(outcome: .unknown) }
    return token
  }

  /// Runs one clean-up as a job of the host; it is repeated at the next start until it is done.
  func startCleanup(_ storeid: String, token: String, volname: String) {
    background { host in
      let title = "wipe what was \(storeid):\(volname)"
      let wipe = HostOperation("run_cleanup", on: storeid, title, ["token": .string(token)]) {
        (host, caller) async throws(StorageError) in
        try await host.runCleanup(storeid, token: token, volname: volname, caller)
        return .null
      }
      _ = try? await host.start(wipe, .host)
    }
  }

  private func runCleanup(
    _ storeid: String, token: String, volname: String, _ caller: Caller
  ) async throws(StorageError) {
    let mutation = Mutation(
      method: "run_cleanup", request: ["token": .string(token)], volumes: [volname], needsStorageLock: false)
    _ = try await mutate(mutation, on: storeid, caller) { (_, _) async throws(StorageError) in
      Plan(intent: ["token": .string(token), "volname": .string(volname)], result: .null)
    } perform: { (storage, _, run) async throws(StorageError) in
      _ = try await storage.call("run_cleanup", ["token": .string(token)], run)
      return .null
    }
    do throws(JobsError) { try await notes.delete(Self.cleanupScope, "\(storeid)\n\(token)") } catch {
      throw StorageError(error)
    }
  }

  /// Starts what an earlier daemon did not finish.
  func resumeCleanups() async throws(StorageError) {
    let pending: [(key: String, value: String)]
    do throws(JobsError) { pending = try await notes.all(Self.cleanupScope) } catch { throw StorageError(error) }
    for (_, text) in pending {
      guard let value = try? JSON.parse(text), let storeid = value["storeid"]?.stringValue,
        let token = value["token"]?.stringValue, let volname = value["volname"]?.stringValue
      else { continue }
      startCleanup(storeid, token: token, volname: volname)
    }
  }
}
