// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Checks one value against compiled nodes.
struct SchemaChecker {
  let nodes: [SchemaNode]
  let limit: Int
  private(set) var violations: [JSONSchema.Violation] = []
  private var depth = 0
  /// Checks left: a vendor's schema of references and choices must not cost more than this.
  private var budget = 100_000

  /// How deep schemas may lead into each other for one value.
  static let maxDepth = 128

  init(nodes: [SchemaNode], limit: Int) {
    self.nodes = nodes
    self.limit = limit
  }

  private mutating func report(_ keyword: String, _ message: String, at path: JSONPath) {
    if violations.count < limit {
      violations.append(JSONSchema.Violation(path: path, keyword: keyword, message: message))
    }
  }

  mutating func check(_ value: JSON, against index: Int, at path: JSONPath) {
    guard violations.count < limit else { return }
    guard depth < Self.maxDepth else { return report("$ref", "leads in a circle of references", at: path) }
    guard budget > 0 else { return report("$ref", "is too costly to check against this schema", at: path) }
    budget -= 1
    depth += 1
    defer { depth -= 1 }
    let node = nodes[index]
    if node.refusesAll { return report("false", "is not allowed here", at: path) }
    if let reference = node.reference { check(value, against: reference, at: path) }
    if let types = node.types, !types.contains(where: { $0.accepts(value) }) {
      let names = SchemaType.allCases.filter(types.contains).map(\.rawValue).joined(separator: " or ")
      return report("type", "must be of type \(names), is \(value.kind.rawValue)", at: path)
    }
    if let allowed = node.allowed, !allowed.contains(value) {
      report("enum", "must be one of: \(allowed.prefix(16).map { $0.text() }.joined(separator: ", "))", at: path)
    }
    if let constant = node.constant, constant != value { report("const", "must be \(constant.text())", at: path) }
    switch value {
    case .string(let text): checkText(text, node, path)
    case .int, .double: checkNumber(value, node, path)
    case .array(let elements): checkArray(elements, node, path)
    case .object(let members): checkObject(members, node, path)
    default: break
    }
    checkCombinations(value, node, path)
  }

  private mutating func checkText(_ text: String, _ node: SchemaNode, _ path: JSONPath) {
    if let length = node.length {
      let count = text.unicodeScalars.count
      if count < length.lowerBound {
        report("minLength", "must have at least \(length.lowerBound) characters", at: path)
      }
      if count > length.upperBound {
        report("maxLength", "must have at most \(length.upperBound) characters", at: path)
      }
    }
    if let pattern = node.pattern, !pattern.matches(text) {
      report("pattern", "must match \(pattern.source)", at: path)
    }
  }

  private mutating func checkNumber(_ value: JSON, _ node: SchemaNode, _ path: JSONPath) {
    if let bound = node.minimum, let order = bound.compare(value), order < (bound.isExclusive ? 1 : 0) {
      report("minimum", "must be \(bound.isExclusive ? "above" : "at least") \(bound.value.text())", at: path)
    }
    if let bound = node.maximum, let order = bound.compare(value), order > (bound.isExclusive ? -1 : 0) {
      report("maximum", "must be \(bound.isExclusive ? "below" : "at most") \(bound.value.text())", at: path)
    }
  }

  private mutating func checkArray(_ elements: [JSON], _ node: SchemaNode, _ path: JSONPath) {
    if let count = node.itemCount {
      if elements.count < count.lowerBound { report("minItems", "must hold at least \(count.lowerBound)", at: path) }
      if elements.count > count.upperBound { report("maxItems", "must hold at most \(count.upperBound)", at: path) }
    }
    if node.hasUniqueItems, Set(elements).count != elements.count {
      report("uniqueItems", "must hold everything once only", at: path)
    }
    if let items = node.items {
      for (place, element) in elements.enumerated() { check(element, against: items, at: path.appending(place)) }
    }
  }

  private mutating func checkObject(_ members: JSONObject, _ node: SchemaNode, _ path: JSONPath) {
    for name in node.required where !members.has(name) {
      report("required", "is missing", at: path.appending(name))
    }
    if let count = node.propertyCount {
      if members.count < count.lowerBound {
        report("minProperties", "must have at least \(count.lowerBound)", at: path)
      }
      if members.count > count.upperBound { report("maxProperties", "must have at most \(count.upperBound)", at: path) }
    }
    for member in members {
      if let property = node.properties[member.key] {
        check(member.value, against: property, at: path.appending(member.key))
      } else if let additional = node.additional {
        if nodes[additional].refusesAll {
          report("additionalProperties", "is not allowed here", at: path.appending(member.key))
        } else {
          check(member.value, against: additional, at: path.appending(member.key))
        }
      }
    }
  }

  private mutating func checkCombinations(_ value: JSON, _ node: SchemaNode, _ path: JSONPath) {
    for part in node.allOf { check(value, against: part, at: path) }
    if let anyOf = node.anyOf, count(of: anyOf, fitting: value, path, upTo: 1) == 0 {
      report("anyOf", "fits none of the \(anyOf.count) allowed forms", at: path)
    }
    if let oneOf = node.oneOf {
      let count = count(of: oneOf, fitting: value, path, upTo: 2)
      if count != 1 {
        report(
          "oneOf", "must fit exactly one of \(oneOf.count) forms, fits \(count == 0 ? "none" : "several")", at: path)
      }
    }
    if let not = node.not, count(of: [not], fitting: value, path, upTo: 1) == 1 {
      report("not", "has a form that is not allowed", at: path)
    }
  }

  private mutating func count(of schemas: [Int], fitting value: JSON, _ path: JSONPath, upTo most: Int) -> Int {
    var count = 0
    for schema in schemas where count < most {
      var inner = SchemaChecker(nodes: nodes, limit: 1)
      inner.depth = depth
      inner.budget = budget
      inner.check(value, against: schema, at: path)
      budget = inner.budget
      if inner.violations.isEmpty { count += 1 }
    }
    return count
  }
}
