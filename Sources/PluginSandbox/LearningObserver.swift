// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CSeccomp
import CShims
import Glibc
import Synchronization

/// Listens to plugins in learning mode: notes what they do, lets through what some permission would open, and refuses
/// the rest as production would.
///
/// What a plugin's memory holds is read while its call waits, and believed only if the call still waits afterwards. None
/// of it decides anything: the decision rests on the call's number and registers alone, which the plugin cannot change.
public final class LearningObserver: Sendable {
  private let seen = Mutex(LearnedUses())
  /// Numbers of the calls that are looked at, by name.
  private static let names: [UInt32: String] = {
    var names: [UInt32: String] = [:]
    for name in Set(widest.rules.map(\.name)).union(SyscallList.observed).union(["sendmmsg"]) {
      let number = seccomp_syscall_resolve_name(name)
      if number >= 0 { names[UInt32(number)] = name }
    }
    return names
  }()
  /// What all permissions together would open.
  private static let widest = SeccompProfile(processes: true, network: true, blockDevices: true, btrfs: true)

  public init() {}

  /// What was seen until now.
  public var uses: LearnedUses { seen.withLock { $0 } }

  /// Answers the calls of one process and what it starts, on a thread of its own, until all of them have ended.
  ///
  /// - Throws: ``SandboxError/Code/invalidPlan`` for a process that was not started in learning mode.
  public func watch(_ process: SandboxedProcess) throws(SandboxError) {
    let listener = process.notifications >= 0 ? fcntl(process.notifications, F_DUPFD_CLOEXEC, 3) : -1
    guard listener >= 0 else {
      throw SandboxError(.invalidPlan, "plugin instance \(process.instance) was not started in learning mode")
    }
    let endpoints = process.endpoints
    Blocking.detach { [self] in
      while Self.waits(listener) {
        var notice = berth_notice()
        guard berth_notify_receive(listener, &notice) == 0 else { continue }
        answer(notice, listener, endpoints)
      }
      close(listener)
    }
  }

  /// Waits for a call; false when there can be no more.
  private static func waits(_ listener: Int32) -> Bool {
    var watched = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    while poll(&watched, 1, -1) < 0 && errno == EINTR {}
    return watched.revents & Int16(POLLIN) != 0
  }

  private func answer(_ notice: berth_notice, _ listener: Int32, _ endpoints: [ResolvedEndpoint]) {
    guard let name = Self.names[notice.number] else {
      let text = Self.name(of: notice.number)
      note([.refused(text)])
      _ = berth_notify_answer(listener, notice.id, -EPERM, 0)
      return
    }
    let call = LearnedCall(name: name, notice: notice)
    let reading = call.uses(endpoints)
    if berth_notify_valid(listener, notice.id) == 0, let uses = reading {
      note(uses)
    } else {
      seen.withLock { $0.unreadable += 1 }
    }
    // A datagram to a name server tells the name that is looked for, if it is sent at all.
    if call.asksNameServer {
      _ = berth_notify_answer(listener, notice.id, 0, 0)
    } else if Self.widest.allows(name, notice.arguments) {
      _ = berth_notify_continue(listener, notice.id)
    } else {
      if name != "sendmmsg" { note([.refused(name)]) }
      _ = berth_notify_answer(listener, notice.id, -EPERM, 0)
    }
  }

  private func note(_ uses: [LearnedUse]) {
    seen.withLock { seen in
      for use in uses { seen.counts[use, default: 0] += 1 }
    }
  }

  private static func name(of number: UInt32) -> String {
    guard let text = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), Int32(bitPattern: number)) else {
      return "call \(number)"
    }
    defer { free(text) }
    return String(cString: text)
  }
}

extension berth_notice {
  /// The six arguments.
  var arguments: [UInt64] { [args.0, args.1, args.2, args.3, args.4, args.5] }
}

extension SeccompProfile {
  /// Whether the list lets this call through.
  func allows(_ name: String, _ arguments: [UInt64]) -> Bool {
    rules.contains { rule in
      rule.name == name
        && rule.conditions.allSatisfy { arguments[Int($0.argument)] & $0.mask == $0.value }
    }
  }
}
