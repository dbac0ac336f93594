// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import StorageRules

/// What there is to say about a configuration file without a daemon: its sections in order, each as it would be used,
/// and every fault with its line.
public struct ConfigReport: Sendable, JSONEncodable {
  public struct Section: Sendable, JSONEncodable {
    public enum State: String, Sendable, Hashable, CaseIterable {
      /// It can be used.
      case usable
      /// It is disabled until its errors are repaired.
      case broken
      /// Nothing is wrong as far as can be told without a plugin that serves its type.
      case unjudged
    }

    public var id: String
    public var type: String
    /// Of the section's head, counted from 1.
    public var line: Int
    public var state: State
    /// Typed values, defaults applied; nothing sensitive. Of an unjudged section only the common options.
    public var config: JSONObject
    /// The properties of ``config`` that the file does not set.
    public var defaults: [String]
    public var problems: [ConfigProblem]

    public func json() -> JSON {
      [
        "storeid": .string(id), "type": .string(type), "line": .int(Int64(line)), "state": .string(state.rawValue),
        "config": .object(config), "defaults": .array(defaults.map(JSON.string)),
        "problems": .array(problems.map { $0.json() }),
      ]
    }
  }

  /// Of the file's text.
  public let digest: String
  /// In the order of the file.
  public let sections: [Section]
  /// Everything that is wrong, in sections and outside, by line.
  public let problems: [ConfigProblem]

  /// - Parameter schema: the installed types; a section of another type is unjudged when `isComplete` is false, and
  ///   broken when these are all types there are.
  public init(_ file: StorageConfigFile, schema: StorageSchema, isComplete: Bool) {
    digest = file.digest
    sections = file.sections.map { section in
      let isKnown = schema.types[section.type] != nil
      let rules =
        isKnown || isComplete ? schema : StorageSchema([StorageTypeSchema(unjudged: section.type)])
      let entry = rules.resolve(section)
      let config = entry.usable?.config ?? [:]
      return Section(
        id: section.id, type: section.type, line: section.line,
        state: entry.usable == nil ? .broken : isKnown ? .usable : .unjudged, config: config,
        defaults: config.keys.filter { $0 != "type" && section[$0].isEmpty }, problems: entry.problems)
    }
    problems = (file.problems + sections.flatMap(\.problems)).sorted { ($0.line ?? 0) < ($1.line ?? 0) }
  }

  /// Whether any storage is disabled by an error.
  public var hasErrors: Bool { problems.contains { $0.severity == .error } }

  public func json() -> JSON {
    [
      "digest": .string(digest), "sections": .array(sections.map { $0.json() }),
      "problems": .array(problems.map { $0.json() }),
    ]
  }
}

extension ConfigProblem: JSONEncodable {
  public func json() -> JSON {
    var object: JSONObject = ["severity": .string(severity.rawValue), "message": .string(message)]
    object.setOptional("line", line)
    object.setOptional("storeid", storeid)
    object.setOptional("property", property)
    return .object(object)
  }
}
