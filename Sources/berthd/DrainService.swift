// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ServiceLifecycle
internal import StorageHost

/// Lets the jobs end when the daemon stops, while the API still tells of them and refuses new ones.
struct DrainService: Service {
  let host: StorageHost
  let grace: Duration

  func run() async throws {
    try? await gracefulShutdown()
    await host.drain(grace: grace)
  }
}
