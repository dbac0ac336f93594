// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Which paths of the host may be granted to a plugin at all.
public enum PathPolicy {
  /// Owning any of these is owning the host or somebody's secrets, whatever else confines the plugin. Nothing above
  /// them can be granted either.
  public static let denied = [
    "/bin", "/boot", "/dev", "/efi", "/etc", "/gnu", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt", "/proc",
    "/root", "/run", "/sbin", "/snap", "/sys", "/usr", "/var/backups", "/var/cache", "/var/lib/apt", "/var/lib/berth",
    "/var/lib/cloud", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/dpkg",
    "/var/lib/flatpak", "/var/lib/kubelet", "/var/lib/lxcfs", "/var/lib/polkit-1", "/var/lib/pve-cluster",
    "/var/lib/snapd", "/var/lib/systemd", "/var/log", "/var/mail", "/var/run", "/var/spool",
  ]

  /// Names that hold keys wherever they are: no path may lead through one.
  static let deniedNames: Set<String> = [".aws", ".config", ".docker", ".gnupg", ".kube", ".ssh"]

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

  /// Refuses what may never be granted, by its name or by what is mounted there.
  ///
  /// The path itself is not touched, so that a dead network mount hangs nobody. Symbolic links are the launcher's to
  /// refuse: it opens every granted path without following one.
  ///
  /// - Parameters:
  ///   - protected: further places that belong to the system: the daemon's own directories and its bundles.
  ///   - mounts: the mount table; the daemon's own when nil.
  /// - Throws: ``SandboxError/Code/permissionRefused``.
  public static func check(
    _ permission: FilePermission, protected: [String] = [], mounts: HostMounts? = nil
  ) throws(SandboxError) {
    let path = permission.path
    guard isCanonical(path) else {
      throw SandboxError(
        .permissionRefused, "\(path.debugDescription) is not an absolute path in canonical form",
        hint: "Give a path without '.', '..', double or trailing slashes")
    }
    let places = denied + protected.filter(isCanonical)
    for place in places where isBeneath(path, place) || isBeneath(place, path) {
      throw refusal(path, "\(place) belongs to the system")
    }
    let parts = path.split(separator: "/").map(String.init)
    if let name = parts.first(where: deniedNames.contains) { throw refusal(path, "\(name) holds keys") }
    if parts[0] == "home" {
      guard parts.count > 2 else { throw refusal(path, "it is somebody's home directory") }
      // Shells, desktops and tools run what they find there.
      if parts[2].hasPrefix(".") { throw refusal(path, "\(parts[2]) configures what somebody's programs do") }
      if parts[2] == "bin" { throw refusal(path, "somebody runs programs from it") }
    }
    if reserved.contains(path) {
      throw SandboxError(.permissionRefused, "\(path) has its own meaning inside the sandbox")
    }
    let table = mounts ?? HostMounts.current()
    if let place = table.disguise(of: path, among: places) {
      throw refusal(path, "a mount there shows \(place), which belongs to the system")
    }
  }

  private static func refusal(_ path: String, _ reason: String) -> SandboxError {
    SandboxError(
      .permissionRefused, "\(path) may not be granted: \(reason)",
      hint: "Keep the storage in a directory of its own, such as one below /srv or /var/lib/vz")
  }
}
