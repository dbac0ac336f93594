// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

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

/// The limit that stopped a plugin, for its callers.
public enum LimitHit: String, Sendable, Hashable { case memory, processes, cpu }
