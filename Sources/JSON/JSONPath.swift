// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Where in a document a value stands, written as a JSON Pointer (RFC 6901): `/params/scfg/path`.
///
/// Extending a path is one small allocation; the text is made only when someone asks for it.
public struct JSONPath: Sendable {
  private final class Node: Sendable {
    enum Step: Sendable {
      case key(String)
      case index(Int)
    }

    let parent: Node?
    let step: Step

    init(parent: Node?, step: Step) {
      self.parent = parent
      self.step = step
    }
  }

  private var node: Node?

  /// The document itself.
  public static let root = JSONPath(node: nil)

  private init(node: Node?) { self.node = node }

  /// The path made of these steps; array places are written in decimal.
  public init(_ components: some Sequence<String>) {
    self = components.reduce(.root) { $0.appending($1) }
  }

  /// Reads a JSON Pointer; nil unless it is empty or begins with `/` and its escapes are `~0` and `~1`.
  public init?(pointer: String) {
    guard !pointer.isEmpty else {
      self = .root
      return
    }
    guard pointer.utf8.first == UInt8(ascii: "/") else { return nil }
    var path = JSONPath.root
    for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let key = Self.unescape(part) else { return nil }
      path = path.appending(key)
    }
    self = path
  }

  /// The path of a member of the object that stands here.
  public func appending(_ key: String) -> JSONPath { JSONPath(node: Node(parent: node, step: .key(key))) }

  /// The path of an element of the array that stands here.
  public func appending(_ index: Int) -> JSONPath { JSONPath(node: Node(parent: node, step: .index(index))) }

  /// The steps from the root, array places in decimal.
  public var components: [String] {
    var reversed: [String] = []
    var current = node
    while let step = current {
      switch step.step {
      case .key(let key): reversed.append(key)
      case .index(let index): reversed.append(String(index))
      }
      current = step.parent
    }
    return reversed.reversed()
  }

  /// The JSON Pointer; empty for the root.
  public var pointer: String { components.map { "/" + Self.escape($0) }.joined() }

  private static func escape(_ key: String) -> String {
    var result = ""
    for scalar in key.unicodeScalars {
      switch scalar {
      case "~": result += "~0"
      case "/": result += "~1"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func unescape(_ part: Substring) -> String? {
    var result = ""
    var scalars = part.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "~" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      switch scalars.next() {
      case "0": result += "~"
      case "1": result += "/"
      default: return nil
      }
    }
    return result
  }
}

extension JSONPath: Hashable {
  public static func == (left: JSONPath, right: JSONPath) -> Bool { left.components == right.components }
  public func hash(into hasher: inout Hasher) { hasher.combine(components) }
}

extension JSONPath: CustomStringConvertible {
  /// The JSON Pointer, "(root)" for the document itself.
  public var description: String { node == nil ? "(root)" : pointer }
}
