// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a new look at the plugin directories found about one bundle.
public struct PluginChange: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// There was no such plugin before.
    case added
    /// Another version, or other files: it serves from the next operation on.
    case changed
    /// Its bundle is gone.
    case removed
    /// The bundle is not used; an earlier version that was in use goes on.
    case refused
    case unchanged
  }

  /// How one of the plugin's storages goes on.
  public struct Effect: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, CaseIterable {
      case usable
      /// Operations under way finish with the earlier version; the next one after them starts the new one.
      case switching
      /// Disabled until an administrator agrees to what the new version asks for.
      case consent
      /// Disabled for another reason.
      case disabled
    }

    public var storeid: String
    public var state: State
    /// Why it is not usable.
    public var message: String?
    /// What to do about it.
    public var hint: String?
  }

  public var kind: Kind
  /// The plugin's id; nil when the manifest cannot be read.
  public var plugin: String?
  /// The version in force now; nil when none is.
  public var version: String?
  /// The version before, where there was another.
  public var earlierVersion: String?
  /// The bundle's folder.
  public var path: String
  /// Digest of the bundle in force.
  public var digest: String?
  /// Why the bundle, as it lies there, is not used.
  public var problem: String?
  /// What to do about the problem.
  public var hint: String?
  public var storages: [Effect]
}
