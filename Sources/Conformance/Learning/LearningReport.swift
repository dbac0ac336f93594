// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import PluginSandbox
internal import PluginSupervisor
internal import StorageProtocol

/// What a plugin turned out to need, compared with what its manifest asks for.
public struct LearningReport: Sendable, JSONEncodable {
  /// The plugin's id and version.
  public var plugin: String
  public var version: String
  /// The storage type it was run as.
  public var type: String
  /// Rounds it took until nothing new was found.
  public internal(set) var rounds = 0
  /// To add to the manifest, each with what was seen.
  public internal(set) var added: [LearnedPermission] = []
  /// In the manifest and never used in this run.
  public internal(set) var unused: [String] = []
  /// Asked for to write, and only read.
  public internal(set) var onlyRead: [String] = []
  /// Tried, and given by no permission, with how often.
  public internal(set) var closed: [(what: String, count: Int)] = []
  /// Checks that failed in the last round: what they would have reached was not seen.
  public internal(set) var failed: [String] = []
  /// Calls whose arguments could not be read.
  public internal(set) var unreadable = 0
  private var permissions: JSONObject

  init(bundle: PluginBundle, type: String) {
    plugin = bundle.id
    version = bundle.manifest.version
    self.type = type
    permissions = bundle.manifest.raw["permissions"]?.objectValue ?? [:]
  }

  mutating func take(_ reader: UseReader, all: [LearnedPermission], round: Int, unreadable: Int) {
    rounds = round
    self.unreadable = unreadable
    unused = reader.unused
    onlyRead = reader.onlyRead
    closed = reader.closed.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    // Names lead to connections; a name that led nowhere stays, for the vendor to say what it is for.
    let reached = Set(
      all.compactMap { if case .endpoint(let host, _, _) = $0.kind { host } else { nil } })
    let lines = all.filter { one in
      if case .name(let name) = one.kind { return !reached.contains(name) }
      guard case .file(let path, let writes) = one.kind else { return true }
      return !all.contains { other in
        guard case .file(let wider, let otherWrites) = other.kind, other.kind != one.kind else { return false }
        return PathPolicy.isBeneath(path, wider) && (otherWrites || !writes)
      }
    }
    added = lines.sorted { $0.line < $1.line }
  }

  /// The manifest's `permissions` with what is to be added; what was not used stays, for a person to judge.
  public var proposal: JSONObject {
    var result = permissions
    for one in added {
      let (place, value) = one.member
      result = Self.adding(value, at: place[...], to: result)
    }
    return result
  }

  private static func adding(_ value: JSON, at place: ArraySlice<String>, to object: JSONObject) -> JSONObject {
    guard let name = place.first else { return object }
    var object = object
    if place.count > 1 {
      object[name] = .object(adding(value, at: place.dropFirst(), to: object[name]?.objectValue ?? [:]))
    } else if case .object = value {
      object[name] = .array((object[name]?.arrayValue ?? []) + [value])
    } else {
      object[name] = value
    }
    return object
  }

  public func json() -> JSON {
    [
      "plugin": .string(plugin), "version": .string(version), "type": .string(type), "rounds": .int(Int64(rounds)),
      "add": .array(added.map { ["permission": .string($0.line), "evidence": $0.evidence.json()] }),
      "unused": unused.json(), "onlyRead": onlyRead.json(),
      "closed": .array(closed.map { ["what": .string($0.what), "count": .int(Int64($0.count))] }),
      "failed": failed.json(), "unreadable": .int(Int64(unreadable)), "proposal": .object(proposal),
    ]
  }

  /// The report as people read it: a difference of the manifest, then what else was seen.
  public var text: String {
    var lines = ["\(plugin) \(version) as '\(type)', \(rounds) rounds"]
    for one in added {
      lines.append("+ \(one.line)")
      lines += one.evidence.map { "      \($0)" }
    }
    for line in onlyRead { lines.append("~ \(line)\n      only read in this run: 'ro' would do") }
    for line in unused { lines.append("- \(line)\n      not used in this run") }
    if added.isEmpty && unused.isEmpty && onlyRead.isEmpty { lines.append("the manifest asks for what was used") }
    if !closed.isEmpty {
      lines.append("tried, and given by no permission:")
      lines += closed.map { "      \($0.what) (\($0.count)×)" }
    }
    if unreadable > 0 { lines.append("\(unreadable) calls could not be read") }
    if !failed.isEmpty {
      lines.append("these checks failed, and what they would have reached was not seen:")
      lines += failed.prefix(10).map { "      \($0)" }
    }
    if !added.isEmpty {
      lines += ["", "\"permissions\": \(JSON.object(proposal).text(.pretty))"]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
