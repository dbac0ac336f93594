// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// What a daemon that was killed may leave behind on the machine: control groups, processes, mounts, FIFOs.
struct Leftovers: Sendable {
  /// The daemon's own part of every cgroup hierarchy.
  let scope: String
  /// The directory everything of this installation is below.
  let directory: String
  let streams: String

  init(_ host: Installation) {
    scope = host.scope
    directory = host.directory.path
    streams = host.runDirectory + "/local/streams"
  }

  /// Leaves without a process, or with one that is not below the daemon, in any hierarchy.
  func strayGroups(daemon: Int32) -> [String] {
    let alive = Set(ProcessTable.descendants(of: daemon))
    var stray: [String] = []
    for leaf in ControlGroups.leaves(scope: scope) {
      let members = Self.lines(leaf + "/cgroup.procs").compactMap { Int32($0) }
      if members.isEmpty || !alive.isSuperset(of: members) { stray.append("\(leaf) \(members)") }
    }
    return stray
  }

  /// Leaves without a process, and all when there are several instances: one storage has one.
  func spareGroups() -> [String] {
    let leaves = ControlGroups.leaves(scope: scope)
    let isOne = Set(leaves.compactMap { $0.split(separator: "/").last }).count <= 1
    return leaves.filter { !isOne || Self.lines($0 + "/cgroup.procs").isEmpty }
  }

  /// All of the daemon's control groups that there are.
  func allGroups() -> [String] { ControlGroups.groups(scope: scope) }

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

  /// Files below the directory that are behind loop devices: state images.
  func loops() -> [String] {
    Installation.entries("/sys/block").filter { $0.hasPrefix("loop") }
      .compactMap { Self.lines("/sys/block/\($0)/loop/backing_file").first }
      .filter { $0.hasPrefix(directory) }
  }

  private static func lines(_ path: String) -> [String] {
    String(decoding: ProcessTable.readFileIfThere(path), as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
