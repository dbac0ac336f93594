// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import ManagementTypes

extension BerthClient {
  /// Takes over the storages of another configuration file.
  /// - Parameter dryRun: only tells what would become of each section.
  public func importConfig(
    _ file: ConfigTakeover, dryRun: Bool = false, idempotencyKey: String? = nil
  ) async throws(ClientError) -> ConfigTakeoverReport {
    try await send(
      .post, APIPath("config", "import").query("dry-run", dryRun), body: file, idempotencyKey: idempotencyKey)
  }
}
