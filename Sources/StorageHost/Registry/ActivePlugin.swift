// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSupervisor
internal import StorageProtocol

/// A storage's process that is activated before its first use after every start.
///
/// A plugin that answers STORAGE_NOT_ACTIVE (it was restarted in between) is activated and asked once more.
struct ActivePlugin: PluginCalling {
  let live: any LivePlugin
  let activation: Activation
  let base: JSONObject
  /// Whoever holds this plugin holds its process: another version takes its place only when nobody does.
  let use: ProcessUses.Use

  /// What needs no active storage.
  static let exempt: Set<String> = [
    "check_config", "get_formats", "on_add_hook", "on_update_hook", "on_update_hook_full", "on_delete_hook",
    "check_connection", "activate_storage", "deactivate_storage", "parse_volname", "get_subdir",
  ]

  func call(_ method: String, _ params: JSONObject, _ run: CallRun) async throws(StorageError) -> JSONObject {
    defer { withExtendedLifetime(use) {} }
    if method == "deactivate_storage" { await activation.forget() }
    guard !Self.exempt.contains(method) else { return try await live.call(method, params, run) }
    try await activate(run)
    do throws(StorageError) { return try await live.call(method, params, run) } catch {
      guard error.code == .storageNotActive else { throw error }
      await activation.forget()
      try await activate(run)
      return try await live.call(method, params, run)
    }
  }

  func export(
    _ method: String, _ params: JSONObject, _ run: CallRun, to sink: StreamSink, options: StreamOptions
  ) async throws(StorageError) -> (JSONObject, StreamReport) {
    defer { withExtendedLifetime(use) {} }
    try await activate(run)
    return try await live.export(method, params, run, to: sink, options: options)
  }

  func `import`(
    _ method: String, _ params: JSONObject, _ run: CallRun, from source: StreamSource, options: StreamOptions
  ) async throws(StorageError) -> (JSONObject, StreamReport) {
    defer { withExtendedLifetime(use) {} }
    try await activate(run)
    return try await live.import(method, params, run, from: source, options: options)
  }

  func kill() async -> String? { await live.kill() }

  func activate(_ run: CallRun) async throws(StorageError) {
    let live = live
    let base = base
    try await activation.ensure(epoch: { await live.epoch() }) { () async throws(StorageError) in
      _ = try await live.call("activate_storage", base, run.question)
    }
  }
}

/// Remembers in which start of its process a storage was activated; activates once at a time.
actor Activation {
  private var activated: Int64?
  private var running: Task<Result<Void, StorageError>, Never>?

  func forget() { activated = nil }

  var isActive: Bool { activated != nil }

  func ensure(
    epoch: @escaping @Sendable () async -> Int64, _ activate: @escaping @Sendable () async throws(StorageError) -> Void
  ) async throws(StorageError) {
    if let running {
      _ = await running.value
    }
    if let activated, activated == (await epoch()) { return }
    let task =
      running
      ?? Task { () async -> Result<Void, StorageError> in
        do throws(StorageError) { return .success(try await activate()) } catch { return .failure(error) }
      }
    running = task
    let result = await task.value
    if running == task { running = nil }
    try result.get()
    // The call itself may have started the process: what counts is the start it ran in.
    activated = await epoch()
  }
}
