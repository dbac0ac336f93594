// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Testing

/// Something a test cannot do without; where it is missing the test is skipped and says why.
///
///     @Test("mounts a tmpfs", .requires(.root))
public struct Requirement: Sendable {
  public var isMet: Bool
  /// What is missing, when it is.
  public var reason: String

  public init(_ isMet: Bool, _ reason: String) {
    self.isMet = isMet
    self.reason = reason
  }

  /// The tests run as root.
  public static let root = Requirement(geteuid() == 0, "needs root")

  /// The tests run as an ordinary user.
  public static let unprivileged = Requirement(geteuid() != 0, "needs an ordinary user")

  /// A program on the path.
  public static func program(_ name: String) -> Requirement {
    Requirement(find(name) != nil, "needs the program \(name)")
  }

  /// cgroup v2 mounted at its usual place.
  public static let cgroup2 = Requirement(
    access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0, "needs cgroup v2 at /sys/fs/cgroup")

  /// The absolute path of a program, looked for as a shell would.
  public static func find(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips the test, with the reason, unless the requirement is met.
  public static func requires(_ requirement: Requirement) -> Self {
    .enabled(if: requirement.isMet, Comment(rawValue: requirement.reason))
  }
}
