// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Jobs
internal import Logging
internal import StorageConfig
public import StorageProtocol

extension StorageHost {
  /// The last known state of every storage, at once: nothing is waited for.
  public func status() async -> [StorageStatus] {
    var result: [StorageStatus] = []
    for entry in registry.config.snapshot.entries { result.append(await status(of: entry)) }
    return result
  }

  /// The state of one storage.
  /// - Parameter isFresh: wait for a new sample, up to the status deadline, instead of the last one.
  public func status(_ storeid: String, isFresh: Bool = false, _ caller: Caller) async throws(StorageError)
    -> StorageStatus
  {
    try InputChecks.storeid(storeid)
    guard let entry = registry.config.snapshot[storeid] else { throw .noStorage(storeid) }
    if entry.usable?.isAvailable(on: settings.node) == true {
      if isFresh {
        await sampler.refresh(storeid, ask: askStatus)
      } else if await sampler.sample(storeid) == nil {
        await sampler.first(storeid, ask: askStatus)
      }
    }
    return await status(of: entry)
  }

  private func status(of entry: StorageEntry) async -> StorageStatus {
    var status = StorageStatus(
      storeid: entry.id, type: entry.type, isEnabled: entry.usable?.isAvailable(on: settings.node) ?? false,
      isActive: false)
    status.process = await registry.state(entry.id)
    if await registry.departed[entry.type] != nil {
      status.error = await registry.noPlugin(entry.id, entry.type)
      return status
    }
    guard entry.usable != nil else {
      let reason = entry.problems.first { $0.severity == .error }?.description ?? "its section cannot be used"
      status.error = .refused(.configInvalid, reason, hint: "correct its configuration or remove it")
      return status
    }
    guard let sample = await sampler.sample(entry.id) else {
      status.isSampling = status.isEnabled
      return status
    }
    status.isActive = sample.isActive
    status.total = sample.total
    status.used = sample.used
    status.available = sample.available
    status.sampled = sample.time
    status.ageMs = sample.taken.map { Int64($0.duration(to: .now) / .milliseconds(1)) }
    status.error = sample.error
    return status
  }

  /// Samples a storage whose configuration is new, without waiting for it or for the next turn of all.
  func sampleSoon(_ storeid: String) async {
    await sampler.forget(storeid)
    guard registry.config.snapshot[storeid]?.usable?.isAvailable(on: settings.node) == true else { return }
    background { host in await host.sampler.refresh(storeid, ask: host.askStatus) }
  }

  var askStatus: StatusSampler.Ask {
    { [weak self] (storeid) async throws(StorageError) in
      guard let self else { return [:] }
      var caller = Caller.host
      caller.timeout = self.settings.statusTimeout
      return try await self.registry.storage(storeid).call("status", [:], CallRun(caller))
    }
  }

  /// The same without use: it neither keeps the plugin from being idle nor, where it had to be started, running.
  private var lookAtStatus: StatusSampler.Ask {
    { [weak self] (storeid) async throws(StorageError) in
      guard let self else { return [:] }
      var run = CallRun(.host)
      run.timeout = self.settings.statusTimeout
      run.isLook = true
      let registry = self.registry
      let wasRunning = await registry.isRunning(storeid)
      let answer: Result<JSONObject, StorageError>
      do throws(StorageError) {
        answer = .success(try await registry.storage(storeid).call("status", [:], run))
      } catch { answer = .failure(error) }
      if !wasRunning { await registry.stopIfUnused(storeid) }
      return try answer.get()
    }
  }

  func startSampling() {
    background { host in
      await host.sampler.run(
        storages: { [weak host] in
          guard let host else { return [] }
          return host.registry.config.snapshot.entries.compactMap(\.usable)
            .filter { $0.isAvailable(on: host.settings.node) }.map(\.id)
        },
        isRunning: { [weak host] storeid in await host?.registry.isRunning(storeid) ?? false },
        ask: host.lookAtStatus)
    }
  }
}
