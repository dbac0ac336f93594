// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import BerthClient
internal import ManagementTypes

/// Shows what a plugin asks for and obtains the administrator's consent to it.
enum Consent {
  /// The digest of the bundle whose permissions are allowed; nil when the daemon knows no plugin for the type (and
  /// will say so itself).
  ///
  /// - Parameter config: the storage's properties, to show what the permissions come to.
  static func obtain(
    type: String, config: [String: String] = [:], given: Bool, client: BerthClient, json: Bool
  ) async throws(ClientError) -> String? {
    let plugins = try await client.plugins()
    guard let plugin = plugins.first(where: { $0.problem == nil && $0.types.contains(type) }) else { return nil }
    guard !plugin.permissions.isEmpty else { return plugin.digest }
    if !json {
      Failure.write("The plugin \(plugin.id ?? plugin.path) asks to be allowed, for this storage:\n")
      for line in PermissionsText.asked(plugin, config: config) { Failure.write(line + "\n") }
    }
    if given { return plugin.digest }
    guard let answer = Ask.yes("Allow this?") else {
      throw ClientError(
        .local, "the plugin's permissions need your consent and there is no terminal to ask on",
        place: plugin.id ?? plugin.path, hint: "look at them with `berth plugin show`, then add --consent")
    }
    guard answer else {
      throw ClientError(
        .local, "the permissions were not allowed; nothing was changed", place: plugin.id ?? plugin.path)
    }
    return plugin.digest
  }
}
