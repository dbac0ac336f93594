// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Names of instances in the cgroup tree.
enum InstanceName {
  /// `<name>.<daemon's pid>.<count>`, unique on this machine as long as the daemon lives.
  static func unique(_ name: String, _ count: UInt64) throws(SandboxError) -> String {
    let legal = !name.isEmpty && !name.hasPrefix(".") && name.utf8.allSatisfy(isLegal)
    let suffix = ".\(getpid()).\(count)"
    guard legal, name.utf8.count + suffix.utf8.count <= 64 else {
      throw SandboxError(.invalidPlan, "\(name.debugDescription) cannot name an instance: 1 to 40 of A-Z a-z 0-9 . _ -")
    }
    return name + suffix
  }

  static func isLegal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2E
      || byte == 0x5F || byte == 0x2D
  }
}
