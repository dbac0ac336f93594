// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Which paths of the host may be granted to a plugin at all.
public enum PathPolicy {
  /// Owning any of these is owning the host, whatever else confines the plugin.
  public static let denied = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run/berth", "/sbin",
    "/sys", "/usr", "/var/lib/berth", "/var/lib/dpkg", "/var/spool/cron",
  ]

  /// Places inside the sandbox that belong to it.
  static let reserved = ["/dev", "/etc", "/plugin", "/proc", "/state", "/streams", "/sys", "/tmp"]

  /// Whether `path` is `directory` or lies below it.
  public static func isBeneath(_ path: String, _ directory: String) -> Bool {
    path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
  }

  /// Whether the text is an absolute path in its only spelling: no `.`, `..`, `//`, trailing slash, control character.
  public static func isCanonical(_ path: String) -> Bool {
    guard path.utf8.count < 1024, path.hasPrefix("/"), path != "/" else { return false }
    if path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return false }
    return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count < 256 }
  }

  /// Refuses what may never be granted.
  public static func check(_ permission: FilePermission) throws(SandboxError) {
    let path = permission.path
    guard isCanonical(path) else {
      throw SandboxError(
        .permissionRefused, "\(path.debugDescription) is not an absolute path in canonical form",
        hint: "Give a path without '.', '..', double or trailing slashes")
    }
    // The administrator's own storage below /root or /tmp is unusual, but theirs to choose; system places are not.
    let closed = permission.access == .readWrite ? denied.filter { $0 != "/root" } : denied.filter { $0 != "/root" }
    for place in closed where isBeneath(path, place) || isBeneath(place, path) {
      throw SandboxError(
        .permissionRefused, "\(path) may not be granted: \(place) belongs to the system",
        hint: "Keep the storage in a directory of its own, such as /srv or /var/lib/vz")
    }
    for place in reserved where path == place {
      throw SandboxError(.permissionRefused, "\(path) has its own meaning inside the sandbox")
    }
  }
}
