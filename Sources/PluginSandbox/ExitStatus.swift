// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How a confined plugin ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)
  /// The whole sandbox was killed before the plugin's own status could be read.
  case killed
  public var description: String {
    switch self {
    case .exited(let code): "exited with status \(code)"
    case .signalled(let signal): "was ended by signal \(signal)"
    case .killed: "was killed with its sandbox"
    }
  }
}

/// The limit that stopped a plugin, for its callers. Running out of descriptors, disk or processor share ends nobody: the
/// plugin sees an error or takes longer.
public enum LimitHit: String, Sendable, Hashable {
  /// The kernel killed a process of the group for want of memory.
  case memory
  /// A process or thread was refused.
  case processes
  /// SIGXFSZ: it wrote beyond the largest file it may have.
  case fileSize = "file size"
  /// SIGXCPU: it used up its processor time.
  case cpu
}

extension ExitStatus {
  /// The limit that the kernel names by a signal of its own.
  var limitHit: LimitHit? {
    switch self {
    case .signalled(SIGXFSZ), .exited(128 + SIGXFSZ): .fileSize
    case .signalled(SIGXCPU), .exited(128 + SIGXCPU): .cpu
    default: nil
    }
  }
}
