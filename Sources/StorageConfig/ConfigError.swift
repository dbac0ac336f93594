// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why the configuration could not be read, changed or written.
///
/// Values of sensitive properties never get into a message.
public struct ConfigError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong. Open: plugins' hooks may add codes.
  public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public var rawValue: String

    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    public var description: String { rawValue }

    /// No storage has this id.
    public static let notFound = Code(rawValue: "STORAGE_NOT_FOUND")
    /// A storage with this id exists already.
    public static let exists = Code(rawValue: "STORAGE_EXISTS")
    /// Several sections have this id.
    public static let duplicate = Code(rawValue: "DUPLICATE_SECTION")
    /// The id is none.
    public static let invalidID = Code(rawValue: "INVALID_STORAGE_ID")
    /// No plugin serves this type.
    public static let unknownType = Code(rawValue: "UNKNOWN_TYPE")
    /// The type has no such property.
    public static let unknownProperty = Code(rawValue: "UNKNOWN_PROPERTY")
    /// A value breaks the property's rule.
    public static let invalidValue = Code(rawValue: "INVALID_VALUE")
    /// A required property is missing, or would be deleted.
    public static let required = Code(rawValue: "REQUIRED_PROPERTY")
    /// A fixed property would be changed or deleted.
    public static let fixed = Code(rawValue: "FIXED_PROPERTY")
    /// A hook would change what only the administrator says.
    public static let hookOverreach = Code(rawValue: "HOOK_OVERREACH")
    /// A property is both set and deleted.
    public static let setAndDelete = Code(rawValue: "SET_AND_DELETE")
    /// The file changed since the caller read it.
    public static let digestConflict = Code(rawValue: "DIGEST_CONFLICT")
    /// A section has errors of its own; see its problems.
    public static let broken = Code(rawValue: "SECTION_BROKEN")
    /// A plugin's configuration schema cannot be used.
    public static let invalidSchema = Code(rawValue: "INVALID_SCHEMA")
    /// A file or directory could not be read or written.
    public static let io = Code(rawValue: "CONFIG_IO")
    /// The disk is full.
    public static let noSpace = Code(rawValue: "NO_SPACE")
    /// The configuration lock stayed taken.
    public static let locked = Code(rawValue: "CONFIG_LOCKED")
    /// The caller gave up while it waited for the configuration lock.
    public static let cancelled = Code(rawValue: "CANCELLED")
  }

  public var code: Code
  /// What failed, where, and why.
  public var message: String
  public var storeid: String?
  public var property: String?
  /// What to do about it, when the message does not say it.
  public var hint: String?

  public init(_ code: Code, _ message: String, storeid: String? = nil, property: String? = nil, hint: String? = nil) {
    self.code = code
    self.message = message
    self.storeid = storeid
    self.property = property
    self.hint = hint
  }

  public var description: String { hint.map { "\(message); \($0)" } ?? message }
}
