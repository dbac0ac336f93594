// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import ServiceLifecycle
internal import StorageHost
internal import StorageProtocol
internal import UnixSignals

/// Looks at the plugin directories again on every SIGHUP (`systemctl reload berthd`).
struct RescanService: Service {
  let host: StorageHost
  let logger: Logger

  func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
      do throws(StorageError) { _ = try await host.rescanPlugins(.host) } catch {
        logger.warning("SIGHUP: \(error.message)")
      }
    }
    // The sequence has ended because the daemon stops; a service that returns earlier would end the others.
    try? await gracefulShutdown()
  }
}
