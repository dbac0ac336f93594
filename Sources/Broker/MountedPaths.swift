// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Where things are mounted, without touching any of them: a dead server must not hang the daemon.
enum MountedPaths {
  static func now() -> Set<String> {
    guard let file = fopen("/proc/self/mountinfo", "re") else { return [] }
    defer { fclose(file) }
    var paths: Set<String> = []
    var line: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(line) }
    while getline(&line, &size, file) > 0, let text = line {
      let fields = String(cString: text).split(separator: " ", maxSplits: 5)
      if fields.count > 4 { paths.insert(unescaped(fields[4])) }
    }
    return paths
  }

  /// The kernel writes blanks as `\040`.
  private static func unescaped(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "\\"), place + 3 < bytes.count,
        let code = UInt8(String(decoding: bytes[(place + 1)...(place + 3)], as: UTF8.self), radix: 8)
      {
        result.append(code)
        place += 4
      } else {
        result.append(bytes[place])
        place += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
