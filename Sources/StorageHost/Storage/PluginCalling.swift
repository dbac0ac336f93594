// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSupervisor
internal import StorageProtocol

/// A plugin's process, as far as a storage needs it.
protocol PluginCalling: Sendable {
  /// Makes one call. A process that is not running is started first.
  func call(_ method: String, _ params: JSONObject, _ run: CallRun) async throws(StorageError) -> JSONObject

  /// Makes a call whose data goes out of the plugin through a stream.
  func export(
    _ method: String, _ params: JSONObject, _ run: CallRun, to sink: StreamSink, options: StreamOptions
  ) async throws(StorageError) -> (JSONObject, StreamReport)

  /// Makes a call whose data goes into the plugin through a stream.
  func `import`(
    _ method: String, _ params: JSONObject, _ run: CallRun, from source: StreamSource, options: StreamOptions
  ) async throws(StorageError) -> (JSONObject, StreamReport)

  /// Kills the process and everything it started.
  /// - Returns: nil when nothing is left, else why not.
  func kill() async -> String?
}
