// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Why a bundle, or a part of it, cannot be used. One bundle's problem never hides another bundle.
public struct CatalogProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// A stable name for one kind of problem.
  public struct Code: RawRepresentable, Sendable, Hashable {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A directory or file cannot be read, or anyone may write it.
    public static let unreadable = Code(rawValue: "unreadable")
    /// The manifest is no JSON, lacks something or says something impossible.
    public static let manifestInvalid = Code(rawValue: "manifest-invalid")
    /// The executable's path leaves the bundle, goes through a link, or names no executable file.
    public static let executableInvalid = Code(rawValue: "executable-invalid")
    /// The executable is not the one the manifest was made for.
    public static let hashMismatch = Code(rawValue: "hash-mismatch")
    /// No protocol or profile version is common with this host.
    public static let versionUnsupported = Code(rawValue: "version-unsupported")
    /// The manifest lists methods this host does not know, or lacks some that every plugin needs.
    public static let methodsInvalid = Code(rawValue: "methods-invalid")
    /// Two bundles have the same id: none of them is used until one is removed.
    public static let duplicateID = Code(rawValue: "duplicate-id")
    /// Two plugins serve the same storage type: the type is not served until one is removed.
    public static let duplicateType = Code(rawValue: "duplicate-type")
  }

  public var code: Code
  /// The bundle's directory.
  public var bundle: String
  /// The file inside it, or nil when the whole bundle is meant.
  public var file: String?
  /// What is wrong and what would be right.
  public var message: String

  public init(_ code: Code, bundle: String, file: String? = nil, _ message: String) {
    self.code = code
    self.bundle = bundle
    self.file = file
    self.message = message
  }

  public var description: String { "\(file.map { "\(bundle)/\($0)" } ?? bundle): \(message)" }
}
