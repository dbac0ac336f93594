// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageRules

/// Changes that touch nothing but what they change. Each returns a new file; the old value stays as it is.
extension StorageConfigFile {
  /// Adds a section at the end, after an empty line.
  ///
  /// - Parameter properties: in the order in which they are written; without a value a key means true.
  public func adding(
    type: String, id: String, properties: [(key: String, value: String?)]
  ) throws(ConfigError) -> StorageConfigFile {
    do throws(RulesError) {
      try StorageName.check(id)
    } catch {
      throw ConfigError(.invalidID, error.message, storeid: id, hint: error.hint)
    }
    guard !type.isEmpty, type == type.lowercased(), type.utf8.allSatisfy({ !isBlank($0) && $0 > 0x20 && $0 != 0x3a })
    else { throw ConfigError(.unknownType, "\(quoted(type)) is no storage type", storeid: id) }
    guard sections(named: id).isEmpty else {
      throw ConfigError(.exists, "storage \(quoted(id)) exists already", storeid: id)
    }
    var new = lines
    let ending = lines.last.map { $0.ending.isEmpty ? [0x0a] : $0.ending } ?? [0x0a]
    if let last = new.last, last.ending.isEmpty { new[new.count - 1] = ConfigLine(last.bytes + ending) }
    if let last = new.last, last.kind != .empty { new.append(ConfigLine(ending)) }
    new.append(ConfigLine(Array("\(type): \(id)".utf8) + ending))
    for (key, value) in properties { new.append(try line(key, value, indent: [0x09], ending: ending, id: id)) }
    return try verified(new, id: id)
  }

  /// Removes a section, all of them if several have the id, with the empty line after each. Comments before it stay, and
  /// so does what begins in it with the head of another section: it lacks only the empty line before it.
  public func removing(id: String) throws(ConfigError) -> StorageConfigFile {
    let doomed = sections(named: id)
    guard !doomed.isEmpty else { throw ConfigError(.notFound, "storage \(quoted(id)) does not exist", storeid: id) }
    var new = lines
    for section in doomed.reversed() {
      var range = section.lines
      if let other = heads(in: section).first(where: { $0.id != id }) {
        new.removeSubrange(range.lowerBound..<other.index)
        continue
      }
      if range.upperBound < new.count, new[range.upperBound].kind == .empty {
        range = range.lowerBound..<(range.upperBound + 1)
      }
      new.removeSubrange(range)
    }
    return StorageConfigFile(lines: new)
  }

  /// Sets a property of a section: one line for each value, in the place of the old ones, else after the last property.
  ///
  /// - Parameter values: `nil` for a key without a value; an empty array removes the property.
  public func setting(_ key: String, to values: [String?], in id: String) throws(ConfigError) -> StorageConfigFile {
    let section = try only(id)
    if let other = heads(in: section).first {
      throw ConfigError(
        .broken,
        "line \(other.index + 1) in the section of storage \(quoted(id)) reads as the head of another one: whose the "
          + "properties after it are cannot be told", storeid: id,
        hint: "insert an empty line before line \(other.index + 1), or indent it if it belongs to \(quoted(id))")
    }
    let old = section[key]
    if old.map(\.value) == values { return self }
    var new = lines
    var insertion = section.lines.lowerBound + 1
    if let first = old.first {
      insertion = first.line - 1
    } else if key != "disable", let last = section.properties.last {
      insertion = last.line
    }
    let model = section.properties.first.map { lines[$0.line - 1].bytes.prefix(while: isBlank) } ?? [0x09]
    let ending = lines[section.line - 1].ending.isEmpty ? [0x0a] : lines[section.line - 1].ending
    for property in old.reversed() { new.remove(at: property.line - 1) }
    if !values.isEmpty, insertion > 0, new[insertion - 1].ending.isEmpty {
      new[insertion - 1] = ConfigLine(new[insertion - 1].bytes + ending)
    }
    for (offset, value) in values.enumerated() {
      new.insert(try line(key, value, indent: Array(model), ending: ending, id: id), at: insertion + offset)
    }
    let result = try verified(new, id: id)
    guard try result.only(id)[key].map(\.value) == values else {
      throw ConfigError(
        .invalidValue, "the new value of \(quoted(key)) would not be read back as it is", storeid: id, property: key)
    }
    return result
  }

  /// The one section with an id.
  public func only(_ id: String) throws(ConfigError) -> ConfigSection {
    let found = sections(named: id)
    guard let section = found.first else {
      throw ConfigError(.notFound, "storage \(quoted(id)) does not exist", storeid: id)
    }
    guard found.count == 1 else {
      throw ConfigError(
        .duplicate,
        "\(found.count) sections are named \(quoted(id)) (lines \(found.map { String($0.line) }.joined(separator: ", ")))",
        storeid: id, hint: "remove or rename all but one in the file")
    }
    return section
  }

  // MARK: Details

  /// Heads of sections inside of a section, by their place among the lines: no empty line is before them.
  private func heads(in section: ConfigSection) -> [(index: Int, id: String)] {
    section.lines.dropFirst().compactMap { index in
      if case .header(_, let id) = lines[index].kind { (index, id) } else { nil }
    }
  }

  private func line(
    _ key: String, _ value: String?, indent: [UInt8], ending: [UInt8], id: String
  ) throws(ConfigError) -> ConfigLine {
    guard !key.isEmpty, !key.utf8.contains(where: isBlank), key.utf8.first != UInt8(ascii: "#"),
      key.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
    else { throw ConfigError(.unknownProperty, "\(quoted(key)) is no property's name", storeid: id, property: key) }
    guard let value else { return ConfigLine(indent + Array(key.utf8) + ending) }
    // The value itself is not quoted: nobody here knows whether it is sensitive.
    func refuse(_ reason: String) -> ConfigError {
      ConfigError(.invalidValue, "the value of \(quoted(key)) \(reason)", storeid: id, property: key)
    }
    if value.isEmpty { throw refuse("is empty") }
    if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
      throw refuse("holds a line feed or another control character")
    }
    if value.utf8.first.map(isBlank) == true || value.utf8.last.map(isBlank) == true {
      throw refuse("begins or ends with a blank, which the file cannot keep")
    }
    return ConfigLine(indent + Array(key.utf8) + [0x20] + Array(value.utf8) + ending)
  }

  /// Reads the edited lines again: the section must be there once, all others unchanged.
  private func verified(_ lines: [ConfigLine], id: String) throws(ConfigError) -> StorageConfigFile {
    let file = StorageConfigFile(lines: lines)
    let untouched = sections.filter { $0.id != id }
    let after = file.sections.filter { $0.id != id }
    guard file.sections(named: id).count == 1, untouched.count == after.count,
      zip(untouched, after).allSatisfy({ $0.id == $1.id && $0.properties.map(\.value) == $1.properties.map(\.value) })
    else {
      throw ConfigError(.invalidValue, "the change to storage \(quoted(id)) would damage the file", storeid: id)
    }
    return file
  }
}
