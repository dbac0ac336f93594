// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How much of the machine one plugin instance may use.
public struct ResourceLimits: Sendable, Hashable {
  /// Processes and threads in the plugin's cgroup.
  public var processes: UInt32 = 64
  /// Memory of the whole cgroup, in bytes.
  public var memory: UInt64 = 256 << 20
  /// Hundredths of one processor (100 = one full processor).
  public var cpuPercent: UInt32 = 100
  /// Share of busy disks, 1 to 10000; everything else has 100. Where version 2 control groups have the io controller.
  public var ioWeight: UInt32 = 50
  /// Open descriptors per process.
  public var descriptors: UInt32 = 256
  /// Largest file a process may write, in bytes; nil leaves it to the storage (disk images are large).
  public var fileSize: UInt64?
  /// Address space per process, in bytes; nil leaves it unlimited (runtimes that reserve much need that).
  public var addressSpace: UInt64? = 4 << 30
  /// Size of the private `/tmp`, in bytes.
  public var temporarySpace: UInt64 = 16 << 20

  /// Size of the private, persistent `/state`, in bytes, where the host can limit it (``StateImage``).
  public var stateSpace: UInt64 = 64 << 20

  public init() {}
}
