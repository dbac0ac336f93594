// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// What runs on this machine, from /proc.
enum ProcessTable {
  /// The processes below that one, whatever their depth.
  static func descendants(of ancestor: Int32) -> [Int32] {
    var children: [Int32: [Int32]] = [:]
    for name in Installation.entries("/proc") {
      guard let pid = Int32(name), let parent = parent(of: pid) else { continue }
      children[parent, default: []].append(pid)
    }
    var result: [Int32] = []
    var open = [ancestor]
    while let next = open.popLast() {
      result += children[next] ?? []
      open += children[next] ?? []
    }
    return result
  }

  /// The plugins among them: those that run under a user of their own.
  static func plugins(of daemon: Int32) -> [Int32] {
    descendants(of: daemon).filter { pid in
      var info = stat()
      return stat("/proc/\(pid)", &info) == 0 && info.st_uid >= 100_000
    }
  }

  /// Whether the process runs; one that has ended and waits for its parent does not.
  static func isAlive(_ pid: Int32) -> Bool {
    fields(of: pid).first.map { $0 != "Z" && $0 != "X" } ?? false
  }

  private static func parent(of pid: Int32) -> Int32? {
    fields(of: pid).dropFirst().first.flatMap { Int32($0) }
  }

  /// State, parent, …
  private static func fields(of pid: Int32) -> [String] {
    let bytes = readFileIfThere("/proc/\(pid)/stat")
    // pid (name) state parent …; the name may hold anything, so look for its last parenthesis.
    guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return [] }
    return bytes[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// A file that may go while it is read.
  static func readFileIfThere(_ path: String) -> [UInt8] {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return [] }
    defer { close(fd) }
    var result: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = read(fd, &part, part.count)
      guard count > 0 else { return result }
      result += part[..<count]
    }
  }

  /// Mounts of this namespace whose line mentions the text.
  static func mounts(_ text: String) -> [String] {
    String(decoding: readFileIfThere("/proc/self/mountinfo"), as: UTF8.self).split(separator: "\n")
      .filter { $0.contains(text) }.map(String.init)
  }
}
