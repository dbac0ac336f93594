// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// A storage of the configuration: usable, or disabled because of what its section says.
public enum StorageEntry: Sendable, Hashable {
  case usable(ResolvedStorage)
  case broken(BrokenStorage)

  /// A storage whose section cannot be used, with the reasons. It can be edited and removed like any other.
  public struct BrokenStorage: Sendable, Hashable {
    public var id: String
    public var type: String
    /// At least one of severity error.
    public var problems: [ConfigProblem]

    /// The first error, for a single line of text.
    public var reason: String {
      problems.first { $0.severity == .error }.map { problem in
        problem.line.map { "line \($0): \(problem.message)" } ?? problem.message
      } ?? "its section cannot be used"
    }
  }

  public var id: String {
    switch self {
    case .usable(let storage): storage.id
    case .broken(let storage): storage.id
    }
  }

  public var type: String {
    switch self {
    case .usable(let storage): storage.type
    case .broken(let storage): storage.type
    }
  }

  public var problems: [ConfigProblem] {
    switch self {
    case .usable(let storage): storage.warnings
    case .broken(let storage): storage.problems
    }
  }

  /// The storage, if it can be used.
  public var usable: ResolvedStorage? { if case .usable(let storage) = self { storage } else { nil } }
}
