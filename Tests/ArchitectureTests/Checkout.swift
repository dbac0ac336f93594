// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// The source tree this test was built from.
enum Checkout {
  static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// Paths of the files below a folder, relative to the checkout.
  static func files(under folder: String, ending: String) -> [String] {
    var result: [String] = []
    guard let directory = opendir("\(root)/\(folder)") else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") { continue }
      if entry.pointee.d_type == UInt8(DT_DIR) {
        result += files(under: "\(folder)/\(name)", ending: ending)
      } else if name.hasSuffix(ending) {
        result.append("\(folder)/\(name)")
      }
    }
    return result.sorted()
  }

  static func text(_ path: String) -> String { String(decoding: readFile("\(root)/\(path)"), as: UTF8.self) }
}
