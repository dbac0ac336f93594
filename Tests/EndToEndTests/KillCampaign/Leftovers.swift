// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What a daemon that was killed may leave behind on the machine: control groups, processes, mounts, FIFOs.
struct Leftovers: Sendable {
  /// The daemon's own part of every cgroup hierarchy.
  let groups: [String]
  /// The directory everything of this installation is below.
  let directory: String
  let streams: String

  /// - Parameter plugin: a live plugin, which says where its daemon keeps control groups.
  init?(plugin: Int32, directory: String, streams: String) {
    let path = Self.lines("/proc/\(plugin)/cgroup").first { $0.hasPrefix("0::") }?.dropFirst(3)
    guard let scope = path?.split(separator: "/").dropLast(), scope.count > 1 else { return nil }
    groups = Self.lines("/proc/self/mounts").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 2, fields[2] == "cgroup" || fields[2] == "cgroup2" else { return nil }
      return "\(fields[1])/\(scope.joined(separator: "/"))"
    }
    self.directory = directory
    self.streams = streams
  }

  /// Leaves without a process, or with one that is not below the daemon, in any hierarchy.
  func strayGroups(daemon: Int32) -> [String] {
    let alive = Set(ProcessTable.descendants(of: daemon))
    var stray: [String] = []
    for group in groups {
      for leaf in Self.directories(group) {
        let members = Self.lines(leaf + "/cgroup.procs").compactMap { Int32($0) }
        if members.isEmpty || !alive.isSuperset(of: members) { stray.append("\(leaf) \(members)") }
      }
    }
    return stray
  }

  /// All of the daemon's control groups that there are.
  func allGroups() -> [String] { groups.filter { access($0, F_OK) == 0 } }

  /// FIFOs that no operation needs any more.
  func fifos() -> [String] { Installation.entries(streams) }

  /// Processes, ours aside, that have a mount of something below the directory: sandboxes, and what they run.
  func mounts() -> [String] {
    Installation.entries("/proc").compactMap { name in
      guard Int32(name) != nil else { return nil }
      let lines = Self.lines("/proc/\(name)/mountinfo").filter { $0.contains(directory) }
      return lines.isEmpty ? nil : "process \(name): \(lines[0])"
    }
  }

  private static func lines(_ path: String) -> [String] {
    String(decoding: ProcessTable.readFileIfThere(path), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private static func directories(_ path: String) -> [String] {
    Installation.entries(path).map { "\(path)/\($0)" }.filter { path in
      var info = stat()
      return lstat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
  }
}
