// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A daemon's part of the control groups of this machine, in every hierarchy that is mounted.
///
/// Empty groups are forgotten by nobody but whoever made them: thousands of them slow every start on a machine down.
public enum ControlGroups {
  /// Where each hierarchy is mounted.
  public static let hierarchies: [String] = {
    guard let mounts = fopen("/proc/self/mounts", "r") else { return [] }
    defer { fclose(mounts) }
    var found: [String] = []
    var line = [CChar](repeating: 0, count: 8_192)
    while fgets(&line, Int32(line.count), mounts) != nil {
      let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .split(separator: " ")
      if fields.count > 2, fields[2] == "cgroup" || fields[2] == "cgroup2" { found.append(String(fields[1])) }
    }
    return found
  }()

  /// The scope's own groups, where there are any.
  public static func groups(scope: String) -> [String] {
    hierarchies.map { "\($0)/berth/\(scope)" }.filter { access($0, F_OK) == 0 }
  }

  /// The groups of the scope's instances, by their full paths, sorted.
  public static func leaves(scope: String) -> [String] { groups(scope: scope).flatMap(directories).sorted() }

  /// Removes what is empty of a scope; what its last processes leave goes a moment after them, so this waits up to
  /// two seconds.
  public static func remove(scope: String) {
    for _ in 0..<200 {
      for leaf in leaves(scope: scope) { rmdir(leaf) }
      for group in groups(scope: scope) { rmdir(group) }
      if groups(scope: scope).isEmpty { return }
      usleep(10_000)
    }
  }

  private static func directories(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append("\(path)/\(name)") }
    }
    return names
  }
}
