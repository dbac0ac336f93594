// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization

/// The control groups of one instance, as seen by the daemon: kill, population and the limits that were hit.
final class Cgroup: Sendable {
  /// The leaf that stands for the instance, -1 when it has none: in the unified hierarchy, or where there is none in
  /// version 1's for processes or for freezing.
  private let directory: Int32
  private let killer: Int32
  /// Where the share of processor time is set, -1 where there is none.
  private let share: Int32
  /// Leaf directories in version 1 hierarchies, by controller.
  private let versionOne: [String: String]
  private let removed = Mutex(false)
  /// Counts the processes that were refused and those there are, -1 where nothing does.
  private let refusals: Int32
  private let population: Int32
  /// Whether nothing more is changed about its share: its processes are to die.
  private let isDying = Mutex(false)

  init(directory: Int32, killer: Int32, share: Int32, pid: Int32) {
    self.directory = directory
    self.killer = killer
    self.share = share
    self.versionOne = directory >= 0 ? Self.leaves(of: pid) : [:]
    let leaf = versionOne["pids"]
    func counter(_ name: String) -> Int32 {
      if let leaf { return open("\(leaf)/\(name)", O_RDONLY | O_CLOEXEC) }
      return directory >= 0 ? openat(directory, name, O_RDONLY | O_CLOEXEC) : -1
    }
    refusals = counter("pids.events")
    population = counter("pids.current")
  }

  var exists: Bool { directory >= 0 }
  var isRemoved: Bool { removed.withLock { $0 } }
  func markRemoved() { removed.withLock { $0 = true } }

  /// Whether the kernel says that something runs in it. A group that is gone, or that cannot say, has nothing.
  var isPopulated: Bool {
    directory >= 0 && Self.isPopulated(directory)
  }

  /// The same of any group, by its open directory.
  static func isPopulated(_ directory: Int32) -> Bool {
    // Version 1 has no such file, but whoever has ended is listed there until he is collected; in version 2 he is not.
    if let events = SmallFile.read("cgroup.events", in: directory) {
      return events.split(separator: "\n").contains("populated 1")
    }
    return !(SmallFile.read("cgroup.procs", in: directory) ?? "").isEmpty
  }

  /// Whether its share of processor time can be changed and the processes that it was refused are counted.
  var canBeHeldBack: Bool { share >= 0 && refusals >= 0 && population >= 0 }

  /// How often it asked for a process or thread beyond its limit.
  func refusedProcesses() -> UInt64 { Self.number(in: refusals) }

  /// How many processes and threads it has.
  func currentProcesses() -> UInt64 { Self.number(in: population) }

  /// The highest number that a process of it has inside the sandbox, where they are counted up from 1; nil when none
  /// can be seen.
  func newestNumber() -> UInt64? {
    let list =
      versionOne["pids"].flatMap { SmallFile.read("\($0)/cgroup.procs") }
      ?? (directory >= 0 ? SmallFile.read("cgroup.procs", in: directory) : nil)
    return (list ?? "").split(separator: "\n").compactMap { pid in
      let line = SmallFile.read("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("NSpid:") }
      return line?.split { $0 == "\t" || $0 == " " }.last.flatMap { UInt64($0) }
    }.max()
  }

  /// The first number in a small file of the kernel's: `max 17` or `17`.
  private static func number(in file: Int32) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { text in
      let count = pread(file, text.baseAddress, text.count, 0)
      return text.prefix(max(0, count)).drop { $0 < UInt8(ascii: "0") || $0 > UInt8(ascii: "9") }
        .prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        .reduce(0) { $0 &* 10 &+ UInt64($1 &- UInt8(ascii: "0")) }
    }
  }

  /// Sets its share of processor time, in hundredths of one processor: 5 or more, and no more than 5 only for a group
  /// that the launcher gave 5 or more, whose period is 20 ms then. Does nothing once it was killed.
  func setShare(percent: UInt32) {
    isDying.withLock { isDying in
      guard !isDying else { return }
      // Version 2 takes quota and period, version 1 the quota; each in µs.
      let quota = "\(UInt64(percent) * 200)"
      if write(share, quota + " 20000", quota.utf8.count + 6) < 0 { _ = write(share, quota, quota.utf8.count) }
    }
  }

  /// Its share of processor time in µs of each period, nil when it has no limit (any more).
  func quota() -> UInt64? {
    let text =
      versionOne["cpu"].flatMap { SmallFile.read("\($0)/cpu.cfs_quota_us") }
      ?? (directory >= 0 ? SmallFile.read("cpu.max", in: directory) : nil)
    return text?.split { $0 == " " || $0 == "\n" }.first.flatMap { UInt64($0) }
  }

  /// Bytes of memory, nil when the group has no limit or it cannot be read.
  var memoryLimit: UInt64? { limit("memory", unified: "memory.max", versionOne: "memory.limit_in_bytes").first }

  /// Processes and threads, the sandbox's init included; nil as above.
  var processLimit: UInt64? { limit("pids", unified: "pids.max", versionOne: "pids.max").first }

  /// Hundredths of one processor, nil as above.
  var cpuLimit: UInt64? {
    let quota = limit("cpu", unified: "cpu.max", versionOne: "cpu.cfs_quota_us")
    let period =
      quota.count > 1 ? quota[1] : limit("cpu", unified: "", versionOne: "cpu.cfs_period_us").first ?? 0
    return quota.first.flatMap { period == 0 ? nil : ($0 * 100 + period - 1) / period }
  }

  /// The numbers in a control file of the hierarchy that has the controller; none where it says "max".
  private func limit(_ controller: String, unified: String, versionOne file: String) -> [UInt64] {
    let text =
      if let leaf = versionOne[controller] {
        SmallFile.read("\(leaf)/\(file)")
      } else {
        directory >= 0 && !unified.isEmpty ? SmallFile.read(unified, in: directory) : nil
      }
    let words = (text ?? "").split { $0 == " " || $0 == "\n" }.map { UInt64($0) }
    return words.first == .some(nil) ? [] : words.compactMap { $0 }
  }

  /// Kills everything in the group at once, as far as this daemon may.
  func kill() {
    isDying.withLock { $0 = true }
    // A group that has used up its share could not even die before its period ends. In version 2 words, or version 1's.
    if share >= 0, write(share, "max", 3) < 0 { _ = write(share, "-1", 2) }
    if killer >= 0 { _ = write(killer, "1", 1) }
  }

  func close() {
    for descriptor in [directory, killer, share, refusals, population] where descriptor >= 0 {
      _ = Glibc.close(descriptor)
    }
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
