// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// What a lock is on. Names are compared as text; ``<`` is the one order in which several are ever taken.
public struct LockName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// What kind of thing is locked, coarse before fine: the first part of the order.
  public enum Kind: Int, Sendable, Hashable, CaseIterable, Comparable {
    /// The configuration file.
    case config
    /// A storage's namespace: allocation, names, anything that concerns more than one volume.
    case storage
    /// One volume.
    case volume
    /// A lock a plugin asked for, below its own name.
    case plugin

    public static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
  }

  public let kind: Kind
  /// `config`, `storage/ID`, `volume/ID:NAME`, `plugin/ID/NAME`.
  public let description: String

  private init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// The configuration file.
  public static let config = LockName(.config, "config")

  /// The namespace of a storage.
  public static func storage(_ storeid: String) -> LockName { LockName(.storage, "storage/\(storeid)") }

  /// One volume of a storage.
  public static func volume(_ storeid: String, _ volname: String) -> LockName {
    LockName(.volume, "volume/\(storeid):\(volname)")
  }

  /// A lock of a plugin's own, apart from those of every other storage.
  public static func plugin(_ storeid: String, _ name: String) -> LockName {
    LockName(.plugin, "plugin/\(storeid)/\(name)")
  }

  /// Reads what ``description`` wrote; `nil` for anything else.
  public init?(_ text: String) {
    func rest(_ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) && text.utf8.count > prefix.utf8.count }
    if text == "config" {
      self = .config
    } else if rest("storage/") {
      self.init(.storage, text)
    } else if rest("volume/"), text.utf8.contains(UInt8(ascii: ":")) {
      self.init(.volume, text)
    } else if rest("plugin/") {
      self.init(.plugin, text)
    } else {
      return nil
    }
  }

  public static func < (left: LockName, right: LockName) -> Bool {
    left.kind == right.kind ? left.description < right.description : left.kind < right.kind
  }
}
