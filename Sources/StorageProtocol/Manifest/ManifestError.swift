// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Everything that is wrong with a manifest.
public struct ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One fault.
  public struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// Where, as a JSON Pointer; empty for the manifest as a whole.
    public var pointer: String
    /// What is wrong and what would be right.
    public var message: String

    public init(pointer: String, message: String) {
      self.pointer = pointer
      self.message = message
    }

    public var description: String { pointer.isEmpty ? message : "\(pointer): \(message)" }
  }

  /// In the order of the manifest; at least one.
  public var problems: [Problem]

  public init(problems: [Problem]) {
    precondition(!problems.isEmpty, "an error without a problem")
    self.problems = problems
  }

  /// The problems, one a line.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension StorageError {
  /// A wrong manifest as the host reports it.
  public init(_ error: ManifestError, plugin: String) {
    let list = error.problems.map { ForeignText.bounded($0.description, limit: 300) }
    self.init(
      .manifestInvalid, "manifest of \(ForeignText.quoted(plugin)): \(list.prefix(3).joined(separator: "; "))",
      outcome: .notStarted, hint: "the vendor must mend the manifest",
      details: ["problems": .array(list.prefix(50).map(JSON.string))])
  }
}
