// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0
// Generated from protocol/v1/protocol.json by scripts/generate. Change that, not this.

public import JSON

/// How a remote block device is reached.
/// Open: a later version or a plugin may add values.
public struct BlockProtocol: RawRepresentable, JSONCodable, Sendable, Hashable {
  public var rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// iSCSI.
  public static let iscsi = BlockProtocol(rawValue: "iscsi")
  /// NVMe over TCP.
  public static let nvmeTcp = BlockProtocol(rawValue: "nvme-tcp")
  /// Network block device.
  public static let nbd = BlockProtocol(rawValue: "nbd")
  /// Fibre Channel.
  public static let fc = BlockProtocol(rawValue: "fc")
}
