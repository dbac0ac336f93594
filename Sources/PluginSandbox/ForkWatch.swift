// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization

/// Holds back plugins that make processes without end.
///
/// A limit of processes alone does not keep a fork bomb from hurting others: each process that ends makes room for the
/// next one, and to make and to end a process is work inside the kernel, which a kernel without preemption does not
/// interrupt for anybody: measured, calls to other plugins took ten times as long at the 99th percentile. So a crowded
/// group that makes, or is refused, more processes than it may have at once, and that quickly, gets 5 hundredths of a
/// processor, and what it had once it has stopped for a while. Who starts all the threads he may have is left alone.
///
/// One thread looks at all groups: not every kernel tells of refusals by itself, and none of what is made.
final class ForkWatch: Sendable {
  static let shared = ForkWatch()

  /// Hundredths of a processor that are left to a group that is held back; less would be less than the kernel's smallest
  /// share.
  static let share: UInt32 = 5
  /// Processes made or refused in a second that are too many.
  static let rate: UInt64 = 100
  /// How often the groups are looked at, in µs: while none is crowded, and while one is.
  private static let interval: (calm: UInt32, crowded: UInt32) = (200_000, 50_000)
  /// For how long nothing may be made or refused before a group gets back what it had, in ns.
  private static let calm: Int64 = 5_000_000_000

  /// Told on the watch's own thread, with nil when the group has its share back; must not block.
  typealias Told = @Sendable (HoldBack?) -> Void

  private struct Group {
    var cgroup: Cgroup
    var limits: ResourceLimits
    var refused: UInt64 = 0
    /// What was seen when it became crowded, or a second ago.
    var crowd: Crowd?
    /// The last time that something was made or refused; nil while it is not held back.
    var lastMade: Int64?
    var told: Told?
    var holdBack: HoldBack? {
      lastMade == nil ? nil : HoldBack(limit: limits.processes, refused: refused, share: ForkWatch.share)
    }
  }

  private struct Crowd {
    var since: Int64
    var refused: UInt64
    var newest: UInt64
    /// Looks in a row at which it was not crowded: processes of a bomb tend to end together.
    var thinned = 0
  }

  private struct State {
    var groups: [ObjectIdentifier: Group] = [:]
    var isRunning = false
  }
  private let state = Mutex(State())

  /// Watches a group until ``remove(_:)``, unless it cannot be held back or has so little anyway.
  func add(_ cgroup: Cgroup, _ limits: ResourceLimits) {
    guard cgroup.canBeHeldBack, limits.cpuPercent > Self.share else { return }
    let starts = state.withLock { state in
      state.groups[ObjectIdentifier(cgroup)] = Group(cgroup: cgroup, limits: limits)
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if starts { Blocking.detach { [self] in run() } }
  }

  /// Looks at the group no more; when this returns its descriptors may be closed.
  func remove(_ cgroup: Cgroup) { _ = state.withLock { $0.groups.removeValue(forKey: ObjectIdentifier(cgroup)) } }

  /// Sets who is told when the group is held back or let go.
  func tell(_ cgroup: Cgroup, _ told: @escaping Told) {
    let holdBack = state.withLock { state in
      state.groups[ObjectIdentifier(cgroup)]?.told = told
      return state.groups[ObjectIdentifier(cgroup)]?.holdBack
    }
    if let holdBack { told(holdBack) }
  }

  /// Whether and why the group is held back now.
  func holdBack(of cgroup: Cgroup) -> HoldBack? {
    state.withLock { $0.groups[ObjectIdentifier(cgroup)]?.holdBack }
  }

  private func run() {
    var isCrowded = false
    while true {
      usleep(isCrowded ? Self.interval.crowded : Self.interval.calm)
      guard let (crowded, news) = lookAround() else { return }
      isCrowded = crowded
      for (told, holdBack) in news { told(holdBack) }
    }
  }

  /// Looks at every group; whether one is crowded, and who is to be told what. Nil when there is none any more.
  private func lookAround() -> (isCrowded: Bool, news: [(Told, HoldBack?)])? {
    state.withLock { state in
      guard !state.groups.isEmpty else {
        state.isRunning = false
        return nil
      }
      let now = berth_monotonic_ns()
      var (isCrowded, news) = (false, [(Told, HoldBack?)]())
      for key in state.groups.keys {
        guard var group = state.groups[key] else { continue }
        let isChanged = group.lastMade == nil ? Self.holdBack(&group, now) : Self.letGo(&group, now)
        state.groups[key] = group
        if group.crowd != nil, group.lastMade == nil { isCrowded = true }
        if isChanged, let told = group.told { news.append((told, group.holdBack)) }
      }
      return (isCrowded, news)
    }
  }

  /// A quarter of what it may have: processes of a bomb tend to end together.
  private static func isCrowded(_ group: Group) -> Bool {
    group.cgroup.currentProcesses() * 4 >= UInt64(group.limits.processes)
  }

  /// Holds the group back when it makes too much; whether it did.
  private static func holdBack(_ group: inout Group, _ now: Int64) -> Bool {
    group.refused = group.cgroup.refusedProcesses()
    let isCrowded = isCrowded(group)
    guard var crowd = group.crowd else {
      if isCrowded {
        group.crowd = Crowd(since: now, refused: group.refused, newest: group.cgroup.newestNumber() ?? 0)
      }
      return false
    }
    crowd.thinned = isCrowded ? 0 : crowd.thinned + 1
    let newest = max(group.cgroup.newestNumber() ?? 0, crowd.newest)
    let made = newest - crowd.newest + (group.refused &- crowd.refused)
    let elapsed = max(now - crowd.since, 1)
    if made > UInt64(group.limits.processes), made * 1_000_000_000 / UInt64(elapsed) >= rate {
      group.lastMade = now
      group.crowd = Crowd(since: now, refused: group.refused, newest: newest)
      group.cgroup.setShare(percent: share)
      return true
    }
    if elapsed >= 1_000_000_000 {
      crowd = Crowd(since: now, refused: group.refused, newest: newest, thinned: crowd.thinned)
    }
    group.crowd = crowd.thinned < 3 ? crowd : nil
    return false
  }

  /// Gives a held-back group its share back when it has stopped; whether it did.
  private static func letGo(_ group: inout Group, _ now: Int64) -> Bool {
    let refused = group.cgroup.refusedProcesses()
    let before = group.crowd?.newest ?? 0
    let newest = isCrowded(group) ? max(group.cgroup.newestNumber() ?? 0, before) : before
    let isQuiet = refused == group.refused && newest == before
    group.refused = refused
    group.crowd?.newest = newest
    if !isQuiet { group.lastMade = now }
    guard let last = group.lastMade, now - last >= calm else { return false }
    group.lastMade = nil
    group.crowd = nil
    group.cgroup.setShare(percent: group.limits.cpuPercent)
    return true
  }
}
