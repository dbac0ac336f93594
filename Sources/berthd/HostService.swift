// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ServiceLifecycle
internal import StorageHost

/// Closes the host when the daemon stops: after the jobs have ended and the API has answered its last request.
struct HostService: Service {
  let host: StorageHost

  func run() async throws {
    // It throws when the group is cancelled instead (another service failed): closing is right then too.
    try? await gracefulShutdown()
    await host.close(grace: .zero)
  }
}
