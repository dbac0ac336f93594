// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What one storage's plugin asks for, and what its administrator granted of that.
public struct StoragePermissions: Sendable, Hashable {
  /// Whether the storage may run with what it was granted.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Everything that is asked for is granted.
    case granted
    /// Something that the plugin can do without is not granted; it runs.
    case reduced
    /// Something that the plugin needs is not granted: disabled.
    case missing
    /// The bundle was changed and asks for more: disabled until there is consent.
    case grown
    /// The storage's type is served by another plugin than consent was given to: disabled.
    case replaced
    /// Nobody agreed to anything: disabled.
    case none

    /// Whether the storage may be used.
    public var isUsable: Bool { self == .granted || self == .reduced }
  }

  /// One permission that is asked for.
  public struct Item: Sendable, Hashable {
    /// Its canonical form, templates unresolved.
    public var permission: String
    /// The same with the storage's configuration filled in; nil when a property is missing.
    public var resolved: String?
    /// What of it is granted, perhaps narrower; nil when nothing is.
    public var granted: String?
    /// Why the plugin wants it, in the vendor's words.
    public var reason: String
    /// Whether the plugin works without it.
    public var isOptional: Bool
    /// Whether it was not asked for when consent was given.
    public var isNew: Bool
    /// What to know before granting it.
    public var warning: String?
  }

  public var storeid: String
  public var type: String
  /// The plugin that serves it now.
  public var plugin: String
  /// Digest of the plugin's bundle as it is now; a grant names it, so that nobody agrees to what was not shown.
  public var digest: String
  /// Digest of the bundle that consent was given to.
  public var agreedDigest: String?
  public var state: State
  public var items: [Item]
  /// Asked for beyond what was shown.
  public var added: [String]
  /// Granted once, and no longer asked for.
  public var removed: [String]
  /// Needed and not granted.
  public var missing: [String]
}
