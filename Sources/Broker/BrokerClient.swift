// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import PluginSandbox
public import StorageProtocol

/// Whom the broker works for: one running plugin process of one storage, and what it was granted.
public struct BrokerClient: Sendable {
  /// The plugin's id.
  public var plugin: String
  public var storeid: String
  /// Whose the process is, across restarts: the storage, or a candidate for it.
  public var holder: String
  /// What the administrator granted, resolved for this storage.
  public var permissions: Permissions
  /// The user id that the plugin runs as.
  public var uid: UInt32
  /// The running process's leaf in the control groups.
  public var sandbox: String
  /// The directory whose `mounts` and `dev` appear in the plugin's sandbox; nil when it has none.
  public var directory: String?
  /// The value of a sensitive property of the storage.
  public var secret: @Sendable (String) async throws(StorageError) -> String?

  /// The stream of the call that the request serves, when that has one.
  public var stream: BrokerStream?

  public init(
    plugin: String, storeid: String, holder: String, permissions: Permissions, uid: UInt32, sandbox: String,
    directory: String?, stream: BrokerStream? = nil,
    secret: @escaping @Sendable (String) async throws(StorageError) -> String?
  ) {
    self.plugin = plugin
    self.storeid = storeid
    self.holder = holder
    self.permissions = permissions
    self.uid = uid
    self.sandbox = sandbox
    self.directory = directory
    self.stream = stream
    self.secret = secret
  }
}
