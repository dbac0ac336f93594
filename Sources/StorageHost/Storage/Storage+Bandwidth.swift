// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageRules

extension Storage {
  /// The storage's own limit for a use (`migration`, `move`, `clone`, `restore`) in bytes a second; nil without one.
  func bandwidthLimit(_ use: String) -> Int64? {
    var limits: [String: Int64] = [:]
    switch scfg["bwlimit"] {
    case .object(let object):
      for member in object {
        limits[member.key] = member.value.intValue ?? member.value.stringValue.flatMap(Int64.init)
      }
    case .string(let text):
      guard let pairs = try? PropertyString(parsing: text, defaultKey: "default") else { return nil }
      for pair in pairs.pairs { limits[pair.key] = Int64(pair.value) }
    case .int(let number): limits["default"] = number
    default: return nil
    }
    guard let kibibytes = limits[use] ?? limits["default"], kibibytes > 0 else { return nil }
    return kibibytes.multipliedReportingOverflow(by: 1_024).overflow ? nil : kibibytes * 1_024
  }
}
