// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization

/// The control groups of one instance, as seen by the daemon: kill, population and the limits that were hit.
final class Cgroup: Sendable {
  /// The leaf in the unified hierarchy, -1 when the instance has none.
  private let directory: Int32
  private let killer: Int32
  /// Where the share of processor time is set, -1 where there is none.
  private let share: Int32
  /// Leaf directories in version 1 hierarchies, by controller.
  private let versionOne: [String: String]
  private let removed = Mutex(false)

  init(directory: Int32, killer: Int32, share: Int32, pid: Int32) {
    self.directory = directory
    self.killer = killer
    self.share = share
    self.versionOne = directory >= 0 ? Self.leaves(of: pid) : [:]
  }

  var exists: Bool { directory >= 0 }
  var isRemoved: Bool { removed.withLock { $0 } }
  func markRemoved() { removed.withLock { $0 = true } }

  /// Whether the kernel says that something runs in it. A group that is gone, or that cannot say, has nothing.
  var isPopulated: Bool {
    guard directory >= 0, let events = SmallFile.read("cgroup.events", in: directory) else { return false }
    return events.split(separator: "\n").contains("populated 1")
  }

  /// Kills everything in the group at once, as far as this daemon may.
  func kill() {
    // A group that has used up its share could not even die before its period ends. In version 2 words, or version 1's.
    if share >= 0, write(share, "max", 3) < 0 { _ = write(share, "-1", 2) }
    if killer >= 0 { _ = write(killer, "1", 1) }
  }

  func close() {
    for descriptor in [directory, killer, share] where descriptor >= 0 { _ = Glibc.close(descriptor) }
  }

  /// The limit that has stopped something in this group.
  func limitHit() -> LimitHit? {
    if count("oom_kill", controller: "memory", unified: "memory.events", versionOne: "memory.oom_control") > 0 {
      return .memory
    }
    if count("max", controller: "pids", unified: "pids.events", versionOne: "pids.events") > 0 { return .processes }
    return nil
  }

  /// How long the group has stood still because its share of processor time was used up.
  var heldBack: Duration {
    let v2 = count("throttled_usec", controller: "cpu", unified: "cpu.stat", versionOne: "cpu.stat")
    let v1 = count("throttled_time", controller: "cpu", unified: "cpu.stat", versionOne: "cpu.stat")
    return .microseconds(v2) + .nanoseconds(v1)
  }

  /// The counter called `key` in a file of `key value` lines.
  private func count(_ key: String, controller: String, unified: String, versionOne file: String) -> UInt64 {
    let text =
      versionOne[controller].flatMap { SmallFile.read("\($0)/\(file)") }
      ?? (directory >= 0 ? SmallFile.read(unified, in: directory) : nil)
    for line in (text ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == key { return UInt64(words[1]) ?? 0 }
    }
    return 0
  }

  /// Where a process sits in each version 1 hierarchy.
  private static func leaves(of pid: Int32) -> [String: String] {
    var leaves: [String: String] = [:]
    for line in (SmallFile.read("/proc/\(pid)/cgroup") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, !fields[1].isEmpty else { continue }
      for controller in fields[1].split(separator: ",") {
        leaves[String(controller)] = "/sys/fs/cgroup/\(fields[1])\(fields[2])"
      }
    }
    return leaves
  }
}
