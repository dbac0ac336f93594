// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Another configuration file to take over, such as `/etc/pve/storage.cfg`.
public struct ConfigImport: Sendable {
  /// The file, byte for byte.
  public var text: [UInt8]
  /// Values of sensitive properties by storage, which such files keep elsewhere. Never logged or journaled.
  public var secrets: [String: [String: String]]
  /// Digests of the bundles whose permissions the administrator allows for the storages taken over.
  public var consents: Set<String>
  /// Whether storages that exist already are left out; otherwise one of them keeps all from being taken over.
  public var skipsExisting: Bool
  /// Of the configuration the caller has seen; nil for no check.
  public var digest: String?

  public init(
    text: [UInt8], secrets: [String: [String: String]] = [:], consents: Set<String> = [], skipsExisting: Bool = false,
    digest: String? = nil
  ) {
    self.text = text
    self.secrets = secrets
    self.consents = consents
    self.skipsExisting = skipsExisting
    self.digest = digest
  }
}
