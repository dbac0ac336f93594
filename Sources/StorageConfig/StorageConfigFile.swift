// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageRules

/// The configuration file `storage.cfg`, read without loss: whatever the bytes, writing them back gives them back.
///
/// The format is that of Proxmox VE:
///
///     # a comment anywhere
///     type: id
///     	property value
///     	flag
///
/// A section ends at the first empty line. Reading never fails: what cannot be understood becomes a problem of its
/// section or of the file, and stays in the text.
public struct StorageConfigFile: Sendable, Hashable {
  let lines: [ConfigLine]
  /// In the order of the file. Sections with problems are among them.
  public let sections: [ConfigSection]
  /// What is wrong outside of sections.
  public let problems: [ConfigProblem]

  /// An empty configuration.
  public init() {
    self.init(parsing: [])
  }

  public init(parsing bytes: [UInt8]) {
    self.init(lines: Self.split(bytes))
  }

  init(lines: [ConfigLine]) {
    self.lines = lines
    var reader = ConfigReader()
    for (index, line) in lines.enumerated() { reader.read(line, at: index) }
    reader.finish(at: lines.count)
    problems = reader.problems
    sections = Self.markDuplicates(reader.sections)
  }

  /// The text, byte for byte.
  public var bytes: [UInt8] { lines.flatMap(\.bytes) }

  /// The SHA-1 of the text in hexadecimal: tells whether the file changed since it was read.
  public var digest: String { ConfigDigest.sha1(bytes) }

  /// The sections with an id: one, unless the file is in error.
  public func sections(named id: String) -> [ConfigSection] { sections.filter { $0.id == id } }

  private static func split(_ bytes: [UInt8]) -> [ConfigLine] {
    var lines: [ConfigLine] = []
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let end = bytes[start...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.endIndex
      lines.append(ConfigLine(Array(bytes[start..<end])))
      start = end
    }
    return lines
  }

  private static func markDuplicates(_ sections: [ConfigSection]) -> [ConfigSection] {
    let places = Dictionary(grouping: sections, by: \.id).mapValues { $0.map(\.line) }
    return sections.map { section in
      guard let all = places[section.id], all.count > 1 else { return section }
      let others = all.filter { $0 != section.line }.map(String.init).joined(separator: ", ")
      return ConfigSection(
        type: section.type, id: section.id, line: section.line, properties: section.properties,
        problems: section.problems + [
          ConfigProblem(
            .error, line: section.line, storeid: section.id,
            "the id \(quoted(section.id)) has another section at line \(others); remove or rename one")
        ], lines: section.lines)
    }
  }
}

/// Puts lines together to sections.
private struct ConfigReader {
  private struct Open {
    var type: String
    var id: String
    var start: Int
    var properties: [ConfigSection.Property] = []
    var problems: [ConfigProblem] = []
  }

  var sections: [ConfigSection] = []
  var problems: [ConfigProblem] = []
  private var open: Open?

  mutating func read(_ line: ConfigLine, at index: Int) {
    let number = index + 1
    switch line.kind {
    case .comment: break
    case .empty: finish(at: index)
    case .blanks: note(.warning, number, "the line holds only blanks: it does not end the section, an empty line does")
    case .header(let type, let id):
      guard open == nil else {
        note(
          .error, number,
          "\(quoted("\(type): \(id)")) has no empty line before it, so it is not read as a section; insert one")
        return
      }
      open = Open(type: type, id: id, start: index)
      checkID(id, number)
    case .property(let key, let value):
      guard open != nil else {
        note(.warning, number, "the property \(quoted(key)) belongs to no section and is ignored")
        return
      }
      open?.properties.append(ConfigSection.Property(key: key, value: value, line: number))
      if !line.isText {
        note(.error, number, "the line is not valid UTF-8")
      }
    case .junk: note(.warning, number, "the line is neither a section's head nor an indented property and is ignored")
    }
  }

  mutating func finish(at end: Int) {
    guard let section = open else { return }
    sections.append(
      ConfigSection(
        type: section.type, id: section.id, line: section.start + 1, properties: section.properties,
        problems: section.problems, lines: section.start..<end))
    open = nil
  }

  private mutating func checkID(_ id: String, _ number: Int) {
    do throws(RulesError) {
      try StorageName.check(id)
    } catch {
      note(.error, number, error.description)
    }
  }

  private mutating func note(_ severity: ConfigProblem.Severity, _ line: Int, _ message: String) {
    if let id = open?.id {
      open?.problems.append(ConfigProblem(severity, line: line, storeid: id, message))
    } else {
      // Outside of sections there is no storage to disable.
      problems.append(ConfigProblem(.warning, line: line, message))
    }
  }
}
