// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CSeccomp
import Glibc
import Testing

@testable import PluginSandbox

@Suite struct SeccompProfileTests {
  static let profiles = [
    SeccompProfile(processes: false), SeccompProfile(), SeccompProfile(network: true),
    SeccompProfile(blockDevices: true), SeccompProfile(btrfs: true), SeccompProfile(network: true, blockDevices: true),
    SeccompProfile(writableCode: true),
  ]
  static let kill: UInt32 = 0x8000_0000
  static let allow: UInt32 = 0x7FFF_0000

  /// What the list means, said once more without libseccomp.
  static func expected(
    _ rules: [Int32: [SeccompProfile.Rule]], number: UInt32, architecture: UInt32, arguments: [UInt64]
  ) -> UInt32 {
    if architecture != SeccompProfile.architecture || number >= 0x4000_0000 { return kill }
    if number > SyscallList.newestKnown || [435, 437].contains(number) { return 0x0005_0000 | UInt32(ENOSYS) }
    let allowed = (rules[Int32(number)] ?? []).contains { rule in
      rule.conditions.allSatisfy { arguments[Int($0.argument)] & $0.mask == $0.value }
    }
    return allowed ? allow : 0x0005_0000 | UInt32(EPERM)
  }

  @Test(arguments: profiles) func theCompiledFilterMeansExactlyTheList(_ profile: SeccompProfile) throws {
    let interpreter = FilterInterpreter(try profile.compile())
    #expect(interpreter.program.count < 4096)
    var rules: [Int32: [SeccompProfile.Rule]] = [:]
    for rule in profile.rules { rules[seccomp_syscall_resolve_name(rule.name), default: []].append(rule) }
    var values: Set<UInt64> = [0, 1, 2, 0xFFFF_FFFF, .max, 1 << 63]
    for condition in profile.rules.flatMap(\.conditions) {
      for value in [condition.value, condition.value &+ 1, condition.value | 1 << 32, condition.value | 1 << 63] {
        values.insert(value)
      }
    }
    for bit in 0..<64 where SyscallList.namespaceFlags & (1 << UInt64(bit)) != 0 {
      values.formUnion([1 << UInt64(bit), 17 | 1 << UInt64(bit), 1 << UInt64(bit) | 1 << 40])
    }
    let architectures: [UInt32] = [0xC000_003E, 0x4000_0003, 0xC000_00B7, 0, .max, 0x8000_003E]
    let numbers: [UInt32] = Array(0...600) + [0x4000_0000, 0x4000_0027, 0x7FFF_FFFF, 0x8000_0000, .max]
    var checked = 0
    for architecture in architectures {
      for number in numbers {
        // Every position takes every value for the calls with conditions, the others take a few.
        let isConditional = rules[Int32(truncatingIfNeeded: number)]?.contains { !$0.conditions.isEmpty } == true
        let cases = isConditional && architecture == SeccompProfile.architecture ? Array(values) : [0, 1, .max]
        for value in cases {
          for position in isConditional ? 0..<4 : 0..<1 {
            var arguments = [UInt64](repeating: 0, count: 6)
            arguments[position] = value
            let verdict = try interpreter.run(number: number, architecture: architecture, arguments: arguments)
            let wanted = Self.expected(rules, number: number, architecture: architecture, arguments: arguments)
            if verdict != wanted {
              Issue.record("call \(number) on \(architecture) with \(arguments): \(verdict), not \(wanted)")
              return
            }
            checked += 1
          }
        }
      }
    }
    #expect(checked > 10_000)
  }

  /// Said once more by the numbers of the calls and bits: no mode with a set-id bit reaches the kernel, in whatever company.
  @Test(arguments: profiles, [SeccompProfile.Fallback.refuse, .notify])
  func noCallMakesSetIDFiles(_ profile: SeccompProfile, _ fallback: SeccompProfile.Fallback) throws {
    let interpreter = FilterInterpreter(try profile.compile(fallback: fallback))
    let passes = { (verdict: UInt32) in verdict == Self.allow || verdict == fallback.rawValue && fallback == .notify }
    let refused = 0x0005_0000 | UInt32(EPERM)
    func verdict(_ name: String, _ arguments: [UInt64]) throws -> UInt32 {
      let number = seccomp_syscall_resolve_name(name)
      try #require(number >= 0, "\(name)")
      return try interpreter.run(
        number: UInt32(number), architecture: SeccompProfile.architecture,
        arguments: arguments + [UInt64](repeating: 0, count: 6 - arguments.count))
    }
    let create: [UInt64] = [0o100, 0o101, 0o102, 0o301, 0o20200002, 0o20200001 | 1 << 40]  // O_CREAT…, O_TMPFILE
    for mode: UInt64 in [0o4755, 0o2755, 0o6755, 0o4000, 0o2000, 0o7777, 0o104755, 0o4755 | 1 << 32, .max] {
      for name in ["chmod", "fchmod", "creat", "mkdir"] { #expect(try verdict(name, [3, mode]) == refused, "\(name)") }
      for name in ["fchmodat", "mkdirat"] { #expect(try verdict(name, [3, 4, mode]) == refused, "\(name)") }
      for kind: UInt64 in [0o010000, 0o140000, 0o100000, 0] {
        #expect(try verdict("mknod", [3, kind | mode]) == refused)
        #expect(try verdict("mknodat", [3, 4, kind | mode]) == refused)
      }
      for flags in create {
        #expect(try verdict("open", [3, flags, mode]) == refused, "\(flags)")
        #expect(try verdict("openat", [3, 4, flags, mode]) == refused, "\(flags)")
      }
      // Without a file to make the mode is no argument: what happens to be in its register counts for nothing.
      #expect(passes(try verdict("open", [3, 0o2, mode])))
      #expect(passes(try verdict("openat", [3, 4, 0o2000000, mode])))
    }
    for mode: UInt64 in [0, 0o644, 0o1777, 0o755 | 1 << 32] {
      for name in ["chmod", "fchmod", "creat", "mkdir"] { #expect(passes(try verdict(name, [3, mode]))) }
      for flags in create { #expect(passes(try verdict("openat", [3, 4, flags, mode]))) }
    }
    for number: UInt32 in [437, 452] {  // openat2, fchmodat2
      let answer = try interpreter.run(
        number: number, architecture: SeccompProfile.architecture, arguments: [0, 0, 0, 0, 0, 0])
      #expect(answer == 0x0005_0000 | UInt32(ENOSYS))
    }
  }

  @Test(arguments: profiles) func atMostTwoHundredCallsReachTheKernel(_ profile: SeccompProfile) {
    #expect(profile.reachableCalls <= 200)
  }

  @Test func dangerousCallsAreInNoTier() {
    let names = Set(Self.profiles.flatMap { $0.rules.map(\.name) })
    let never = [
      "execveat",
      "mount", "umount2", "pivot_root", "setns", "unshare", "clone3", "ptrace", "bpf", "io_uring_setup", "keyctl",
      "add_key", "perf_event_open", "userfaultfd", "process_vm_readv", "kexec_load", "init_module", "open_tree",
      "fsopen", "move_mount", "mount_setattr", "pidfd_getfd", "setuid", "setresuid", "capset", "personality",
      "open_by_handle_at", "seccomp", "chroot", "memfd_secret", "io_setup", "vmsplice", "kcmp",
    ]
    #expect(names.intersection(never) == [])
  }
}
