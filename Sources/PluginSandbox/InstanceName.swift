// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Names of instances in the cgroup tree.
enum InstanceName {
  /// What the launcher takes, in bytes.
  static let longest = 64

  /// `<name>.<user id>.<daemon's pid>.<count>`, unique on this machine as long as the daemon lives. A name that is too long
  /// is cut and gets its hash instead of what is missing.
  static func unique(_ name: String, uid: UInt32, _ count: UInt64) throws(SandboxError) -> String {
    guard !name.isEmpty, !name.hasPrefix("."), name.utf8.allSatisfy(isLegal) else {
      throw SandboxError(
        .invalidPlan,
        "\(name.debugDescription) cannot name an instance: A-Z a-z 0-9 . _ - are allowed, no dot at its beginning")
    }
    let suffix = ".\(uid).\(getpid()).\(count)"
    let room = longest - suffix.utf8.count
    if name.utf8.count <= room { return name + suffix }
    let hash = "-" + String(fnv1a(name), radix: 36)
    return String(name.prefix(room - hash.utf8.count)) + hash + suffix  // legal names are ASCII
  }

  /// Whose group that is, by its name; nil for a group with another kind of name.
  static func uid(of instance: some StringProtocol) -> UInt32? {
    let parts = instance.split(separator: ".")
    guard parts.count >= 4, UInt64(parts[parts.count - 1]) != nil, pid_t(parts[parts.count - 2]) != nil else {
      return nil
    }
    return UInt32(parts[parts.count - 3])
  }

  /// A short fingerprint of a text (FNV-1a, 64 bits).
  static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  static func isLegal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2E
      || byte == 0x5F || byte == 0x2D
  }
}
