// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

/// Keeps the last good status of every storage, sampled in the background: one hung storage delays nobody, and asking
/// never waits.
///
/// Storages whose plugin runs are sampled often. The others rest, and asking one starts its plugin: that is done rarely
/// and for a few at a time, so that neither a start of the daemon nor the passing of time starts them all.
actor StatusSampler {
  /// The last answers of one storage.
  struct Sample: Sendable {
    var total: Int64?
    var used: Int64?
    var available: Int64?
    var isActive = false
    /// Milliseconds since the epoch of the last good answer.
    var time: Int64?
    /// The same by the clock that measures.
    var taken: ContinuousClock.Instant?
    var error: StorageError?
    /// When it was asked last, well or not.
    var asked: ContinuousClock.Instant?
  }

  typealias Ask = @Sendable (String) async throws(StorageError) -> JSONObject

  /// How many resting storages are asked at once.
  static let restingAtOnce = 2

  private let interval: Duration
  private let restingInterval: Duration
  private var samples: [String: Sample] = [:]
  private var running: [String: Task<Void, Never>] = [:]
  /// Resting storages to be asked, in their order, and how many are being asked.
  private var due: [String] = []
  private var restingNow = 0

  private let now: @Sendable () -> Int64

  /// - Parameters:
  ///   - interval: between two samples of a storage whose plugin runs.
  ///   - restingInterval: between two samples of one whose plugin does not.
  init(interval: Duration, restingInterval: Duration, now: @escaping @Sendable () -> Int64) {
    self.interval = interval
    self.restingInterval = restingInterval
    self.now = now
  }

  func sample(_ storeid: String) -> Sample? { samples[storeid] }

  func forget(_ storeid: String) { samples[storeid] = nil }

  /// Samples all storages again and again until cancelled; a storage whose last sample still runs is left out.
  func run(
    storages: @escaping @Sendable () async -> [String], isRunning: @escaping @Sendable (String) async -> Bool,
    ask: @escaping Ask
  ) async {
    while !Task.isCancelled {
      let known = await storages()
      for storeid in samples.keys where !known.contains(storeid) { samples[storeid] = nil }
      due.removeAll { !known.contains($0) }
      for storeid in known {
        if await isRunning(storeid) {
          start(storeid, ask)
        } else if isDue(storeid), !due.contains(storeid) {
          due.append(storeid)
        }
      }
      askResting(ask)
      try? await Task.sleep(for: interval)
    }
  }

  private func isDue(_ storeid: String) -> Bool {
    guard running[storeid] == nil else { return false }
    guard let asked = samples[storeid]?.asked else { return true }
    return asked.duration(to: .now) >= restingInterval
  }

  private func askResting(_ ask: @escaping Ask) {
    while restingNow < Self.restingAtOnce, !due.isEmpty {
      let sample = start(due.removeFirst(), ask)
      restingNow += 1
      Task {
        await sample.value
        restingNow -= 1
        askResting(ask)
      }
    }
  }

  /// Returns when one storage that has no sample yet has answered or failed.
  func first(_ storeid: String, ask: @escaping Ask) async { await start(storeid, ask).value }

  /// Samples one storage now and returns when it has answered or failed: a sample under way may be older than what the
  /// caller wants to see, so it is only waited for.
  func refresh(_ storeid: String, ask: @escaping Ask) async {
    await running[storeid]?.value
    await start(storeid, ask).value
  }

  @discardableResult
  private func start(_ storeid: String, _ ask: @escaping Ask) -> Task<Void, Never> {
    if let task = running[storeid] { return task }
    let task = Task { await self.take(storeid, ask) }
    running[storeid] = task
    return task
  }

  private func take(_ storeid: String, _ ask: @escaping Ask) async {
    let result: Result<JSONObject, StorageError>
    do throws(StorageError) { result = .success(try await ask(storeid)) } catch { result = .failure(error) }
    running[storeid] = nil
    var sample = samples[storeid] ?? Sample()
    switch result {
    case .success(let answer):
      sample.isActive = answer["active"]?.boolValue ?? false
      sample.total = answer["total"]?.intValue
      sample.used = answer["used"]?.intValue
      sample.available = answer["available"]?.intValue
      sample.time = now()
      sample.taken = .now
      sample.error = nil
    case .failure(let error):
      sample.isActive = false
      sample.error = error
    }
    sample.asked = .now
    samples[storeid] = sample
  }
}
