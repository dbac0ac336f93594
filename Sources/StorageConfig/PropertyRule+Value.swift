// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension PropertyRule {
  /// Whether the key may occur on several lines.
  var isRepeatable: Bool { if case .array = kind { true } else { false } }

  /// The typed value of the lines a property has in the file.
  func typed(lines: [String?]) throws(ValueFault) -> JSON {
    if case .array(let element, let minCount, let maxCount, let isUnique) = kind {
      guard lines.count <= maxCount else { throw ValueFault("has more than \(maxCount) elements") }
      guard lines.count >= minCount else { throw ValueFault("has fewer than \(minCount) elements") }
      var values: [JSON] = []
      for line in lines {
        let value = try allowed(element.value(of: line))
        if isUnique, values.contains(value) { throw ValueFault("has an element twice") }
        values.append(value)
      }
      return .array(values)
    }
    guard lines.count == 1, let line = lines.first else { throw ValueFault("is given \(lines.count) times") }
    return try allowed(kind.value(of: line))
  }

  /// The typed value of a value from the API or a hook.
  func typed(_ json: JSON) throws(ValueFault) -> JSON { try typed(lines: kind.texts(of: json)) }

  /// The texts of a value from the API or a hook, one for each line, after all checks.
  func texts(_ json: JSON) throws(ValueFault) -> [String] {
    let texts = try kind.texts(of: json)
    _ = try typed(lines: texts)
    return texts
  }

  private func allowed(_ value: JSON) throws(ValueFault) -> JSON {
    guard !allowed.isEmpty, !allowed.contains(value) else { return value }
    let list = allowed.map { $0.stringValue ?? "\($0.intValue.map(String.init) ?? "?")" }.joined(separator: ", ")
    throw ValueFault("must be one of \(list)")
  }
}
