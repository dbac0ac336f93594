// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Reads members of a manifest and notes every fault instead of stopping at the first.
struct ManifestReader {
  private(set) var problems: [ManifestError.Problem] = []
  /// Whether members nobody knows are faults.
  var refusesUnknown = true

  mutating func note(_ path: JSONPath, _ message: String) {
    problems.append(ManifestError.Problem(pointer: path.pointer, message: message))
  }

  /// Runs the reading of one value; a fault is noted and gives nil.
  mutating func attempt<Value>(_ body: () throws(JSONError) -> Value) -> Value? {
    do throws(JSONError) {
      return try body()
    } catch {
      note(error.path, error.message)
      return nil
    }
  }

  /// The value as an object whose members are all among the known ones.
  mutating func object(_ value: JSON, _ path: JSONPath, known: Set<String>) -> JSONObject? {
    guard let object = attempt({ () throws(JSONError) in try value.object(at: path) }) else { return nil }
    if refusesUnknown {
      for member in object where !known.contains(member.key) && !member.key.hasPrefix("x-") {
        note(path.appending(member.key), "is unknown here; known are: \(known.sorted().joined(separator: ", "))")
      }
    }
    return object
  }

  mutating func text(
    _ object: JSONObject, _ key: String, _ path: JSONPath, max: Int = 256, pattern: Pattern? = nil
  ) -> String? {
    let rule = TextRule(length: 1...max, pattern: pattern)
    return attempt { () throws(JSONError) in try object.text(key, rule, at: path) }
  }

  mutating func optionalText(_ object: JSONObject, _ key: String, _ path: JSONPath, max: Int = 4096) -> String? {
    attempt { () throws(JSONError) in try object.optionalText(key, .length(0...max), at: path) } ?? nil
  }

  mutating func required<Value: JSONDecodable>(_ object: JSONObject, _ key: String, _ path: JSONPath) -> Value? {
    attempt { () throws(JSONError) in try object.required(key, at: path) }
  }

  mutating func optional<Value: JSONDecodable>(
    _ object: JSONObject, _ key: String, _ path: JSONPath, default fallback: Value
  ) -> Value {
    attempt { () throws(JSONError) in try object.optional(key, at: path, default: fallback) } ?? fallback
  }

  /// An array of names, each once.
  mutating func names(
    _ object: JSONObject, _ key: String, _ path: JSONPath, _ rule: TextRule, required: Bool
  ) -> [String] {
    if !required, !object.has(key) { return [] }
    guard let names = attempt({ () throws(JSONError) in try object.texts(key, rule, upTo: 512, at: path) }) else {
      return []
    }
    var seen: Set<String> = []
    for (place, name) in names.enumerated() where !seen.insert(name).inserted {
      note(path.appending(key).appending(place), "occurs twice")
    }
    return names
  }

  /// Every element of an optional array, read by `body`; elements with faults are left out.
  mutating func each<Value>(
    _ object: JSONObject, _ key: String, _ path: JSONPath,
    _ body: (inout ManifestReader, JSON, JSONPath) -> Value?
  ) -> [Value] {
    let inner = path.appending(key)
    guard let value = object[key],
      let elements = attempt({ () throws(JSONError) in try value.array(at: inner) })
    else { return [] }
    if elements.count > 256 { note(inner, "must hold at most 256 elements") }
    return elements.prefix(256).enumerated().compactMap { body(&self, $0.element, inner.appending($0.offset)) }
  }
}
