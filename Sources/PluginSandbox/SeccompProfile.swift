// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CSeccomp
import CShims
import Glibc
import Synchronization

/// One tier of the system call allow-list, and the filter program compiled from it.
public struct SeccompProfile: Sendable, Hashable {
  /// Child processes and threads.
  public var processes: Bool
  /// Internet sockets, for granted endpoints.
  public var network: Bool
  /// Sizes and discard of granted block devices.
  public var blockDevices: Bool
  /// Subvolumes of btrfs.
  public var btrfs: Bool
  /// Memory that is written and then executed, for compilers at run time.
  public var writableCode: Bool

  public init(
    processes: Bool = true, network: Bool = false, blockDevices: Bool = false, btrfs: Bool = false,
    writableCode: Bool = false
  ) {
    self.processes = processes
    self.network = network
    self.blockDevices = blockDevices
    self.btrfs = btrfs
    self.writableCode = writableCode
  }

  /// The profile that a plan's permissions ask for.
  public init(permissions: Permissions) {
    self.init(
      processes: permissions.runtime.processes, network: permissions.network != .none,
      blockDevices: !permissions.devices.isEmpty, btrfs: permissions.runtime.btrfs,
      writableCode: permissions.runtime.jit)
  }

  /// What happens to a call that the list does not name.
  enum Fallback: UInt32 {
    case refuse = 0x0005_0001  // errno EPERM
    case notify = 0x7FC0_0000  // learning mode: the host is told and lets it pass
  }

  /// One rule of the list: a call, and what an argument must look like (all of the conditions).
  struct Rule {
    var name: String
    var conditions: [Condition] = []

    var comparisons: [scmp_arg_cmp] {
      conditions.map {
        scmp_arg_cmp(arg: $0.argument, op: SCMP_CMP_MASKED_EQ, datum_a: $0.mask, datum_b: $0.value)
      }
    }
  }

  /// `argument & mask == value`, on all 64 bits that the mask names.
  struct Condition {
    var argument: UInt32
    var mask: UInt64
    var value: UInt64
    static func low(_ argument: UInt32, is value: UInt64) -> Condition {
      Condition(argument: argument, mask: 0xFFFF_FFFF, value: value)
    }
  }

  /// The whole list in the order in which it is compiled. Tests interpret the compiled program against it.
  var rules: [Rule] {
    var rules = SyscallList.base.map { Rule(name: $0) }
    if processes {
      rules += SyscallList.processes.map { Rule(name: $0) }
      rules.append(
        Rule(name: "clone", conditions: [Condition(argument: 0, mask: SyscallList.namespaceFlags, value: 0)]))
    }
    let ioctls =
      SyscallList.ioctls + (blockDevices ? SyscallList.blockDeviceIoctls : [])
      + (btrfs ? SyscallList.btrfsIoctls : [])
    rules += ioctls.map { Rule(name: "ioctl", conditions: [.low(1, is: $0)]) }
    rules += SyscallList.fcntls.map { Rule(name: "fcntl", conditions: [.low(1, is: $0)]) }
    rules += SyscallList.prctls.map { Rule(name: "prctl", conditions: [.low(0, is: $0)]) }
    let families: [UInt64] = [1] + (network ? [2, 10] : [])  // AF_UNIX, AF_INET, AF_INET6
    rules += families.map { Rule(name: "socket", conditions: [.low(0, is: $0)]) }
    rules.append(Rule(name: "socketpair", conditions: [.low(0, is: 1)]))
    let setID = SyscallList.setIDBits
    for kind: UInt64 in [0o010000, 0o140000] {  // FIFOs and sockets, no devices
      rules.append(Rule(name: "mknod", conditions: [Condition(argument: 1, mask: 0o170000 | setID, value: kind)]))
      rules.append(Rule(name: "mknodat", conditions: [Condition(argument: 2, mask: 0o170000 | setID, value: kind)]))
    }
    rules += SyscallList.modes.map {
      Rule(name: $0.name, conditions: [Condition(argument: $0.argument, mask: setID, value: 0)])
    }
    rules += SyscallList.opens.map {
      Rule(name: $0.name, conditions: [Condition(argument: $0.argument, mask: SyscallList.creationFlags, value: 0)])
    }
    // Write xor execute on kernels before 6.3 too, which have no prctl for it. PROT_WRITE is 2, PROT_EXEC 4.
    if writableCode {
      rules += ["mmap", "mprotect"].map { Rule(name: $0) }
    } else {
      for kind: UInt64 in [0, 2, 4] {
        rules.append(Rule(name: "mmap", conditions: [Condition(argument: 2, mask: 6, value: kind)]))
      }
      rules.append(Rule(name: "mprotect", conditions: [Condition(argument: 2, mask: 4, value: 0)]))
    }
    // Only of itself: another process's limits are none of its business.
    rules.append(Rule(name: "prlimit64", conditions: [.low(0, is: 0)]))
    return rules
  }

  /// The number of different system calls that can reach the kernel in some form.
  public var reachableCalls: Int { Set(rules.map(\.name)).count }

  /// Compiles the list for this machine's own architecture.
  ///
  /// - Returns: the classic BPF program, eight bytes an instruction.
  func compile(fallback: Fallback = .refuse) throws(SandboxError) -> [UInt8] {
    guard let context = seccomp_init(fallback.rawValue) else { throw Self.failure("seccomp_init", ENOMEM) }
    defer { seccomp_release(context) }
    try Self.check("bad architecture", seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, Self.killProcess))
    try Self.check("optimise", seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
    for var rule in rules {
      if fallback == .notify {
        if SyscallList.observed.contains(rule.name) { continue }
        // Making memory executable shows a just-in-time compiler; every other protection is nobody's business.
        if rule.name == "mprotect" { rule.conditions = [Condition(argument: 2, mask: 4, value: 0)] }
      }
      let number = seccomp_syscall_resolve_name(rule.name)
      if number < 0 { continue }  // this architecture never had it
      let comparisons = rule.comparisons
      try Self.check(
        rule.name,
        seccomp_rule_add_array(context, 0x7FFF_0000, number, UInt32(comparisons.count), comparisons))
    }
    if fallback == .notify {
      for rule in Self.setIDRefusals {
        try Self.check(
          rule.name,
          seccomp_rule_add_array(
            context, Fallback.refuse.rawValue, seccomp_syscall_resolve_name(rule.name),
            UInt32(rule.conditions.count), rule.comparisons))
      }
    }
    for call in SyscallList.absent {
      try Self.check(
        call.name, seccomp_rule_add_array(context, 0x0005_0000 | UInt32(ENOSYS), call.number, 0, nil))
    }
    let exported = try Self.export(context)
    return Self.prologue + exported
  }

  /// What learning mode refuses as well: what no rule allows the host would let pass there.
  private static var setIDRefusals: [Rule] {
    var rules: [Rule] = []
    let makers = SyscallList.modes + [("mknod", 1), ("mknodat", 2)]
    for call in makers where seccomp_syscall_resolve_name(call.name) >= 0 {
      for bit: UInt64 in [0o4000, 0o2000] {
        let mode = Condition(argument: call.argument, mask: bit, value: bit)
        guard let flags = SyscallList.opens.first(where: { $0.name == call.name }) else {
          rules.append(Rule(name: call.name, conditions: [mode]))
          continue
        }
        for flag: UInt64 in [0o100, 0o20000000] {
          rules.append(
            Rule(name: call.name, conditions: [mode, Condition(argument: flags.argument, mask: flag, value: flag)]))
        }
      }
    }
    return rules
  }

  private static let killProcess: UInt32 = 0x8000_0000

  #if arch(x86_64)
    static let architecture: UInt32 = 0xC000_003E
  #elseif arch(arm64)
    static let architecture: UInt32 = 0xC000_00B7
  #endif

  /// Runs before the compiled list: another architecture ends the process, so does the x32 table, and a number that is
  /// newer than the list is answered with ENOSYS.
  private static var prologue: [UInt8] {
    let code: [(UInt16, UInt8, UInt8, UInt32)] = [
      (0x20, 0, 0, 4),  // load the architecture
      (0x15, 1, 0, architecture),  // ours? skip the next
      (0x06, 0, 0, killProcess),
      (0x20, 0, 0, 0),  // load the number
      (0x35, 0, 1, 0x4000_0000),  // x32?
      (0x06, 0, 0, killProcess),
      (0x25, 0, 1, SyscallList.newestKnown),  // newer than the list?
      (0x06, 0, 0, 0x0005_0000 | UInt32(ENOSYS)),
    ]
    var bytes: [UInt8] = []
    for (operation, yes, no, constant) in code {
      withUnsafeBytes(of: operation) { bytes += $0 }
      bytes += [yes, no]
      withUnsafeBytes(of: constant) { bytes += $0 }
    }
    return bytes
  }

  private static func export(_ context: scmp_filter_ctx) throws(SandboxError) -> [UInt8] {
    let file = berth_memfd("seccomp")
    guard file >= 0 else { throw failure("memfd", -file) }
    defer { close(file) }
    try check("export", seccomp_export_bpf(context, file))
    let size = Int(lseek(file, 0, SEEK_END))
    var bytes = [UInt8](repeating: 0, count: max(size, 0))
    let got = pread(file, &bytes, bytes.count, 0)
    guard size > 0, got == size else { throw failure("read back", EIO) }
    return bytes
  }

  private static func check(_ what: String, _ result: Int32) throws(SandboxError) {
    if result < 0 { throw failure(what, -result) }
  }

  private static func failure(_ what: String, _ number: Int32) -> SandboxError {
    SandboxError(
      .systemFailure, "the system call filter could not be compiled (\(what))", step: "seccomp", errno: number)
  }

  private struct Key: Hashable {
    var profile: SeccompProfile
    var fallback: UInt32
  }

  /// Sealed files by profile. They cannot change and stay open as long as the process lives.
  private static let sealed = Mutex<[Key: Int32]>([:])

  /// A sealed anonymous file holding the compiled program; compiled once a process. The descriptor stays ours.
  func sealedFile(fallback: Fallback = .refuse) throws(SandboxError) -> Int32 {
    let key = Key(profile: self, fallback: fallback.rawValue)
    if let known = Self.sealed.withLock({ $0[key] }) { return known }
    let program = try compile(fallback: fallback)
    let file = bl_sealed_file(program, UInt32(program.count))
    guard file >= 0 else { throw Self.failure("seal", -file) }
    return Self.sealed.withLock { known in
      if let earlier = known[key] {
        close(file)
        return earlier
      }
      known[key] = file
      return file
    }
  }
}
