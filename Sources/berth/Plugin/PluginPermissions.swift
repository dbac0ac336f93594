// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BerthClient
internal import JSON
internal import ManagementTypes

/// `berth plugin permissions`
struct PluginPermissions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "permissions", abstract: "What plugins ask for, and what their storages were granted.",
    discussion: """
      A permission is written in one form everywhere, such as 'fs rw ${config.path}'. What is granted may be narrower \
      than what is asked for: 'fs ro …' of 'fs rw …', a smaller size. A grant holds for one storage and one bundle: a \
      plugin that changes and asks for more is disabled until someone grants it.
      """,
    subcommands: [PermissionsShow.self, PermissionsGrant.self, PermissionsRevoke.self])
}

/// Which storages a command is about.
struct PermissionScope: ParsableArguments {
  @Option(help: "One storage.") var storage: String?
  @Option(help: "All storages of this plugin.") var plugin: String?

  /// The storages as they stand; every one when neither option is given.
  func permissions(_ client: BerthClient) async throws(ClientError) -> [PermissionsView] {
    guard let storage else { return try await client.permissions(plugin: plugin) }
    let one = try await client.permissions(storeid: storage)
    if let plugin, one.plugin != plugin {
      throw ClientError(
        .local, "storage '\(storage)' is served by \(one.plugin)", place: plugin, hint: "leave --plugin out")
    }
    return [one]
  }

  /// The storages of a change: a change of every storage has to be asked for by plugin.
  func named(_ client: BerthClient) async throws(ClientError) -> [PermissionsView] {
    let found = try await permissions(client)
    if found.isEmpty {
      throw ClientError(
        .local, "no storage uses this plugin", place: plugin ?? "", hint: "see `berth storage list`")
    }
    return found
  }
}

/// Which permissions of which storages a command changes.
struct PermissionChange: ParsableArguments {
  @OptionGroup var scope: PermissionScope
  @Flag(help: "Everything that there is to grant or revoke.") var all = false
  @Argument(help: "Permissions as `show` prints them; a grant may be narrower.") var permissions: [String] = []

  func validate() throws {
    if scope.storage == nil && scope.plugin == nil { throw ValidationError("say which: --storage or --plugin") }
    if permissions.isEmpty != all { throw ValidationError("name permissions, or give --all") }
  }

  /// Changes one storage after the other.
  /// - Parameter change: takes a storage as it stands and the lines to change, nil for all of them.
  /// - Returns: the storages as they stand then.
  func apply(
    _ global: GlobalOptions,
    _ change: (BerthClient, PermissionsView, [String]?) async throws(ClientError) -> PermissionsView
  ) async throws -> [PermissionsView] {
    try await global.with { client in
      var changed: [PermissionsView] = []
      for one in try await scope.named(client) {
        changed.append(try await change(client, one, all ? nil : permissions))
      }
      return changed
    }
  }
}

/// `berth plugin permissions show`
struct PermissionsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what is asked for and what is granted.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var scope: PermissionScope

  func run() async throws {
    let found = try await global.with { client in try await scope.permissions(client) }
    if global.json { return Output.json(ListOf(found)) }
    PermissionsText.print(found)
  }
}

/// `berth plugin permissions grant`
struct PermissionsGrant: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant", abstract: "Grant permissions to the plugin of a storage; its process starts anew.",
    discussion: "Whatever else the plugin asks for counts as seen and refused.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var change: PermissionChange

  func run() async throws {
    let changed = try await change.apply(global) { client, one, lines throws(ClientError) in
      try await client.grantPermissions(storeid: one.storeid, lines, digest: one.digest)
    }
    for one in changed {
      for item in one.items {
        guard item.granted != nil, let warning = item.warning else { continue }
        Failure.write(
          "WARNING: \(one.storeid) is granted '\(Failure.clean(item.permission))': \(Failure.clean(warning))\n")
      }
    }
    if global.json { return Output.json(ListOf(changed)) }
    PermissionsText.print(changed)
  }
}

/// `berth plugin permissions revoke`
struct PermissionsRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Take permissions back; the running process ends.",
    discussion: "A storage whose plugin needs what was revoked stays disabled until it is granted again.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var change: PermissionChange

  func run() async throws {
    let changed = try await change.apply(global) { client, one, lines throws(ClientError) in
      try await client.revokePermissions(storeid: one.storeid, lines)
    }
    if global.json { return Output.json(ListOf(changed)) }
    PermissionsText.print(changed)
  }
}
