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

/// A generator that repeats itself from a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
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
