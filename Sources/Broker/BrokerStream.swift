// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// The stream of the call that a request serves: the host's, never one that the plugin names.
public struct BrokerStream: Sendable {
  /// What passed.
  public struct Account: Sendable, Hashable {
    public var bytes: Int64
    /// Over the bytes, when the call was asked for one.
    public var digest: WireDigest?

    public init(bytes: Int64, digest: WireDigest?) {
      self.bytes = bytes
      self.digest = digest
    }
  }

  /// Whether the call gives bytes (an export) or takes them.
  public var isExport: Bool
  /// Moves everything between the stream and a worker's pipe, which it takes over and closes; at most `limit` bytes.
  public var move: @Sendable (_ pipe: Int32, _ limit: Int64?) async throws(StorageError) -> Account

  public init(
    isExport: Bool,
    move: @escaping @Sendable (_ pipe: Int32, _ limit: Int64?) async throws(StorageError) -> Account
  ) {
    self.isExport = isExport
    self.move = move
  }
}
