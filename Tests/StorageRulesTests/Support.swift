// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageRules
import TestSupport

/// A file of vectors beside the tests.
func vectors(_ name: String) throws -> [JSON] {
  let directory = #filePath.split(separator: "/").dropLast().joined(separator: "/")
  return try JSON.parse(readFile("/\(directory)/Vectors/\(name)")).array()
}

extension VolumeName {
  /// The parts in the form of the vectors.
  var json: JSON {
    var parts: JSONObject = [
      "grammar": .string(grammar.rawValue), "text": .string(text), "type": .string(type.rawValue),
      "name": .string(name), "format": .string(format.rawValue), "isBase": .bool(isBase),
    ]
    if let vmid { parts["vmid"] = .int(Int64(vmid)) }
    if let basename { parts["basename"] = .string(basename) }
    if let basevmid { parts["basevmid"] = .int(Int64(basevmid)) }
    return .object(parts)
  }
}
