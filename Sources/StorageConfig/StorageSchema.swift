// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageRules

/// All storage types this host has plugins for, and how a section is read by them.
public struct StorageSchema: Sendable {
  /// By type.
  public let types: [String: StorageTypeSchema]

  public init(_ types: some Sequence<StorageTypeSchema> = []) {
    self.types = Dictionary(types.map { ($0.type, $0) }) { first, _ in first }
  }

  /// Reads one section. One bad section says nothing about the others.
  public func resolve(_ section: ConfigSection) -> StorageEntry {
    guard let type = types[section.type] else {
      return broken(
        section,
        section.problems + [
          ConfigProblem(
            .error, line: section.line, storeid: section.id,
            "no plugin serves the type \(quoted(section.type)); install one, or remove the storage")
        ])
    }
    var reader = SectionReader(section: section, type: type)
    reader.readProperties()
    reader.applyDefaults()
    let storage = reader.finish()
    guard !reader.problems.contains(where: { $0.severity == .error }) else { return broken(section, reader.problems) }
    return .usable(storage)
  }

  /// Reads a whole file, in its order.
  public func resolve(_ file: StorageConfigFile) -> [StorageEntry] {
    var seen: Set<String> = []
    // Of several sections with one id the first stands for all: each names the others in its problems.
    return file.sections.filter { seen.insert($0.id).inserted }.map(resolve)
  }

  private func broken(_ section: ConfigSection, _ problems: [ConfigProblem]) -> StorageEntry {
    .broken(StorageEntry.BrokenStorage(id: section.id, type: section.type, problems: problems))
  }
}

/// Reads one section by its type's rules.
private struct SectionReader {
  let section: ConfigSection
  let type: StorageTypeSchema
  var problems: [ConfigProblem] = []
  private var config: JSONObject = [:]

  init(section: ConfigSection, type: StorageTypeSchema) {
    self.section = section
    self.type = type
    problems = section.problems
    config["type"] = .string(section.type)
  }

  mutating func readProperties() {
    var keys: [String] = []
    for property in section.properties where !keys.contains(property.key) { keys.append(property.key) }
    for key in keys {
      let lines = section[key]
      let line = lines.first?.line ?? section.line
      guard let rule = type.rule(key) else {
        if type.isOpen { continue }
        note(
          .warning, line, key, "the type \(quoted(type.type)) has no property \(quoted(key)); it is kept and not used")
        continue
      }
      if rule.isSensitive {
        note(
          .warning, line, key,
          "\(quoted(key)) is sensitive and does not belong into this file; set it anew, then delete "
            + "this line")
        continue
      }
      if lines.count > 1, !rule.isRepeatable {
        note(.error, lines[1].line, key, "\(quoted(key)) is given twice (first at line \(line))")
        continue
      }
      do throws(ValueFault) {
        config[key] = try rule.typed(lines: lines.map(\.value))
      } catch {
        note(.error, line, key, "the value of \(quoted(key)) \(error.reason)")
      }
    }
  }

  mutating func applyDefaults() {
    for rule in type.properties.values.sorted(by: { $0.name < $1.name }) where section[rule.name].isEmpty {
      if rule.isRequired, !rule.isSensitive {
        note(.error, section.line, rule.name, "the required property \(quoted(rule.name)) is missing")
      }
      if let value = rule.defaultValue { config[rule.name] = value }
    }
    if config["content"] == nil, !type.isOpen {
      config["content"] = .array(type.defaultContent.sorted().map { .string($0.rawValue) })
    }
    if type.isAlwaysShared { config["shared"] = true }
    if config["prune-backups"] == nil, let files = config["maxfiles"]?.intValue {
      config["prune-backups"] = .string(files > 0 ? "keep-last=\(files)" : "keep-all=1")
    }
  }

  mutating func finish() -> ResolvedStorage {
    let content = Set((config["content"]?.arrayValue ?? []).compactMap { ContentType(rawValue: $0.stringValue ?? "") })
    let foreign = content.subtracting(type.contentTypes).subtracting([.none])
    if !foreign.isEmpty {
      let list = foreign.sorted().map(\.rawValue).joined(separator: ", ")
      let known = type.contentTypes.sorted().map(\.rawValue).joined(separator: ", ")
      note(.error, line("content"), "content", "the type \(quoted(type.type)) cannot hold \(list), only \(known)")
    }
    var format = type.defaultFormat
    if let wanted = config["format"]?.stringValue {
      format = VolumeFormat(wanted)
      if !type.isOpen, !type.formats.contains(format) {
        let known = type.formats.map(\.rawValue).joined(separator: ", ")
        note(
          .error, line("format"), "format",
          "the type \(quoted(type.type)) has no format \(quoted(wanted)), only \(known)")
      }
    }
    return ResolvedStorage(
      id: section.id, type: section.type, config: config, content: content.subtracting([.none]),
      nodes: config["nodes"]?.arrayValue.map { Set($0.compactMap(\.stringValue)) },
      isDisabled: config["disable"]?.boolValue ?? false, isShared: config["shared"]?.boolValue ?? false, format: format,
      formats: type.formats, retention: parsed(config["prune-backups"]?.stringValue, Self.retention),
      maxProtectedBackups: config["max-protected-backups"]?.intValue.map { Int(clamping: $0) },
      bandwidth: parsed(config["bwlimit"]?.stringValue, Self.bandwidth) ?? BandwidthLimits(),
      warnings: problems.filter { $0.severity == .warning })
  }

  /// A value that was checked before; an error was recorded then.
  private func parsed<Value>(_ text: String?, _ parse: (String) -> Value?) -> Value? { text.flatMap(parse) }

  private static func retention(_ text: String) -> Retention? {
    do throws(RulesError) {
      return try Retention(parsing: text)
    } catch {
      return nil
    }
  }

  private static func bandwidth(_ text: String) -> BandwidthLimits? {
    do throws(ValueFault) {
      return try BandwidthLimits(parsing: text)
    } catch {
      return nil
    }
  }

  private func line(_ key: String) -> Int { section[key].first?.line ?? section.line }

  private mutating func note(_ severity: ConfigProblem.Severity, _ line: Int, _ property: String, _ message: String) {
    problems.append(ConfigProblem(severity, line: line, storeid: section.id, property: property, message))
  }
}
