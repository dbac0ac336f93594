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

/// The limit that stopped a plugin, or that it was seen waiting at, for its callers.
public enum LimitHit: String, Sendable, Hashable {
  /// The kernel killed a process of the group for want of memory.
  case memory
  /// A process or thread was refused.
  case processes
  /// SIGXFSZ: it wrote beyond the largest file it may have.
  case fileSize = "file size"
  /// It did not answer and had stood still for a second or more because its share of processor time was used up; or
  /// SIGXCPU, which nobody here arms: a life's limit fits no plugin that serves for weeks.
  case cpu
  /// It did not answer and had as many descriptors open as it may.
  case descriptors
  /// It failed and its `/tmp` was full.
  case temporarySpace = "temporary space"
  /// It failed and its state directory was full.
  case stateSpace = "state space"
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
