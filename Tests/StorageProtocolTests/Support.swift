// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageProtocol
import TestSupport

/// Files of the tree the tests stand in.
enum Tree {
  /// The root of the checkout.
  static let root: String = {
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/")
  }()

  static func json(_ path: String) throws -> JSON {
    try JSON.parse(readFile("\(root)/\(path)"), limits: JSONLimits(maxBytes: 32 << 20, maxDepth: 64))
  }

  static func vectors(_ name: String) throws -> [JSON] {
    try json("Tests/StorageProtocolTests/Vectors/\(name).json").array()
  }
}

extension JSON {
  /// The member, which the test needs.
  func member(_ key: String) throws -> JSON {
    guard let value = self[key] else { throw JSONError(.missing, at: JSONPath([key]), "is missing") }
    return value
  }
}
