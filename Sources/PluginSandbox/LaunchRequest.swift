// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// A request in the launcher's own form, built from a plan.
struct LaunchRequest: ~Copyable {
  let raw: UnsafeMutablePointer<bl_request>

  /// A request without a plan: kill, sweep or probe.
  init(operation: bl_op, scope: String = "", instance: String = "") throws(SandboxError) {
    raw = bl_request_make(operation.rawValue, 0, 0, 0, 0)!  // it aborts rather than return NULL
    bl_request_names(raw, try text(scope), try text(instance), 0)
  }

  /// A request for the worker of one broker operation.
  init(broker kind: BrokerOperation.Kind, scope: String, instance: String, plugin: String) throws(SandboxError) {
    raw = bl_request_make(BL_OP_BROKER.rawValue, kind.rawValue, 0, 0, 0)!  // it aborts rather than return NULL
    bl_request_names(raw, try text(scope), try text(instance), try text(plugin))
    bl_request_limits(
      raw,
      bl_limits(
        memory: 512 << 20, processes: 64, file_size: .max, address_space: .max, cpu_percent: 100, descriptors: 256,
        io_weight: 100, reserved: 0))
  }

  init(_ plan: LaunchPlan, scope: String, endpoints: [ResolvedEndpoint], mounts: MountTable) throws(SandboxError) {
    // Never NULL: it aborts when memory is out.
    raw = bl_request_make(BL_OP_SPAWN.rawValue, Self.flags(of: plan), plan.uid, plan.group, plan.required.rawValue)!
    let executable = "/plugin/" + plan.executable
    bl_request_names(raw, try text(scope), try text(plan.instance), try text(executable))
    bl_request_limits(raw, Self.limits(of: plan))
    for argument in [executable] + plan.arguments {
      try check(bl_request_argument(raw, try text(argument)), "too many arguments")
    }
    for (name, value) in plan.wholeEnvironment.sorted(by: { $0.key < $1.key }) {
      try check(bl_request_environment(raw, try text("\(name)=\(value)")), "too many environment variables")
    }
    for mount in mounts.entries {
      let entry = bl_mount(
        kind: UInt8(mount.kind.rawValue), flags: mount.flags, reserved: 0, source: try text(mount.source),
        target: try text(mount.target), inodes: mount.inodes, size: mount.size)
      try check(bl_request_mount(raw, entry), "too many directories are granted")
    }
    for endpoint in endpoints {
      try check(
        bl_request_endpoint(raw, endpoint.insideAddress.count == 4 ? 4 : 6, endpoint.insideAddress, endpoint.port),
        "too many network endpoints are granted")
    }
  }

  deinit { bl_request_free(raw) }

  private static func flags(of plan: LaunchPlan) -> UInt32 {
    var flags: UInt32 = 0
    if plan.mode == .unprivileged { flags |= BL_F_USERNS.rawValue }
    if plan.permissions.runtime.procSelf { flags |= BL_F_PROC.rawValue }
    if plan.permissions.runtime.jit { flags |= BL_F_JIT.rawValue }
    if plan.permissions.network == .host { flags |= BL_F_NET_HOST.rawValue }
    if plan.learning { flags |= BL_F_LEARN.rawValue }
    return flags
  }

  private static func limits(of plan: LaunchPlan) -> bl_limits {
    let limits = plan.effectiveLimits
    return bl_limits(
      memory: limits.memory, processes: UInt64(limits.processes), file_size: limits.fileSize ?? .max,
      address_space: limits.addressSpace ?? .max, cpu_percent: limits.cpuPercent, descriptors: limits.descriptors,
      io_weight: min(max(limits.ioWeight, 1), 10_000), reserved: 0)
  }

  private borrowing func text(_ string: String) throws(SandboxError) -> UInt32 {
    var copy = string
    let offset = copy.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        // An empty string has no address; the pool's first byte is its terminator.
        characters.baseAddress.map { bl_request_text(raw, $0, UInt32(characters.count)) } ?? 0
      }
    }
    if offset == -Int64(EINVAL) { throw SandboxError(.invalidPlan, "a NUL character in \(string.debugDescription)") }
    if offset < 0 { throw SandboxError(.invalidPlan, "the plan's texts exceed \(BL_POOL) bytes") }
    return UInt32(offset)
  }

  private borrowing func check(_ result: Int32, _ message: String) throws(SandboxError) {
    if result < 0 { throw SandboxError(.invalidPlan, message) }
  }
}

extension LaunchPlan {
  var group: UInt32 { mode == .unprivileged && geteuid() != 0 ? getegid() : uid }
}
