// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension ManifestReader {
  private static let patternMembers: Set<String> = ["pattern", "type", "format", "isBase", "base", "clone"]

  /// `volumeNamePatterns`: names that a storage type has beside those of its grammar.
  mutating func volumeNamePatterns(_ object: JSONObject, _ path: JSONPath, formats: [String]) -> [VolumeNamePattern] {
    guard let value = object["volumeNamePatterns"], !value.isNull else { return [] }
    let inner = path.appending("volumeNamePatterns")
    guard let list = value.arrayValue else {
      note(inner, "must be an array")
      return []
    }
    if list.count > VolumeNamePattern.maximumCount {
      note(inner, "has \(list.count) patterns; at most \(VolumeNamePattern.maximumCount) are allowed")
    }
    if !object.has("volumeNames") { note(inner, "extends a grammar, and 'volumeNames' names none") }
    var result: [VolumeNamePattern] = []
    for (place, item) in list.prefix(VolumeNamePattern.maximumCount).enumerated() {
      if let pattern = volumeNamePattern(item, inner.appending(place), formats: formats) { result.append(pattern) }
    }
    return result
  }

  private mutating func volumeNamePattern(
    _ value: JSON, _ path: JSONPath, formats: [String]
  ) -> VolumeNamePattern? {
    guard let object = object(value, path, known: Self.patternMembers),
      let source = text(object, "pattern", path, max: 512)
    else { return nil }
    let pattern: NamePattern
    do throws(PatternError) { pattern = try NamePattern(source) } catch {
      note(path.appending("pattern"), "\(error.message) (at character \(error.offset))")
      return nil
    }
    for group in pattern.groups.sorted() where !VolumeNamePattern.groups.contains(group) {
      let known = VolumeNamePattern.groups.sorted().joined(separator: ", ")
      note(path.appending("pattern"), "the group '\(group)' means nothing; the groups are \(known)")
    }
    if pattern.groups.contains("basevmid"), !pattern.groups.contains("basename") {
      note(path.appending("pattern"), "has the group 'basevmid' without 'basename'")
    }
    let type = optionalText(object, "type", path, max: 32) ?? "images"
    if !VolumeNamePattern.types.contains(type) {
      note(path.appending("type"), "must be one of: \(VolumeNamePattern.types.sorted().joined(separator: ", "))")
    }
    let format = optionalText(object, "format", path, max: 32)
    if pattern.groups.contains("format") == (format != nil) {
      note(path, "needs either the member 'format' or the group 'format' in its pattern")
    } else if let format, type == "images", !formats.contains(format) {
      note(path.appending("format"), "\(ForeignText.quoted(format)) is not among the supported formats")
    }
    let isBase = optional(object, "isBase", path, default: false)
    if isBase, type != "images" { note(path.appending("isBase"), "only images can be bases") }
    let base = template(object, "base", path, gaps: pattern.groups.union(["name"]))
    if base != nil, isBase || type != "images" {
      note(path.appending("base"), "only images that are no bases yet can become bases")
    }
    let clone = template(object, "clone", path, gaps: VolumeNamePattern.cloneGaps)
    if let clone {
      if !isBase { note(path.appending("clone"), "only bases ('isBase') have linked clones") }
      if !clone.gaps.contains("disk") {
        note(path.appending("clone"), "needs {disk}, without which all clones would have one name")
      }
      if clone.gaps.contains("basevmid"), !pattern.groups.contains("vmid") {
        note(path.appending("clone"), "has {basevmid}, and the pattern has no group 'vmid'")
      }
    }
    return VolumeNamePattern(
      pattern: pattern, type: type, format: format, isBase: isBase, base: base, clone: clone)
  }

  private mutating func template(
    _ object: JSONObject, _ member: String, _ path: JSONPath, gaps: Set<String>
  ) -> NameTemplate? {
    guard let source = optionalText(object, member, path, max: 256) else { return nil }
    guard let template = NameTemplate(source) else {
      note(path.appending(member), "\(ForeignText.quoted(source)) has a brace without its partner or an empty gap")
      return nil
    }
    for gap in template.gaps.sorted() where !gaps.contains(gap) {
      let known = gaps.sorted().map { "{\($0)}" }.joined(separator: ", ")
      note(path.appending(member), "{\(gap)} means nothing here; there are \(known)")
    }
    return template
  }
}
