// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import StorageProtocol

/// What a plugin says about itself in `initialize`; must agree with its `manifest.json`.
public struct PluginFacts: Sendable, Hashable {
  /// Reverse-DNS id.
  public var id: String
  public var version: String
  /// Build or commit, for reports.
  public var build: String?
  public var protocolVersions: ProtocolVersionRange
  public var profiles: [String: ProfileRange]
  public var concurrency: Concurrency
  public var fencing: Fencing

  public init(
    id: String, version: String, build: String? = nil, protocolVersions: ProtocolVersionRange = .supported,
    profiles: [String: ProfileRange] = [:], concurrency: Concurrency = .serial, fencing: Fencing = .session
  ) {
    self.id = id
    self.version = version
    self.build = build
    self.protocolVersions = protocolVersions
    self.profiles = profiles
    self.concurrency = concurrency
    self.fencing = fencing
  }

  /// The facts of a manifest.
  public init(_ manifest: PluginManifest) {
    self.init(
      id: manifest.id, version: manifest.version, protocolVersions: manifest.protocolVersions,
      profiles: manifest.profiles, concurrency: manifest.concurrency, fencing: manifest.fencing)
  }
}
