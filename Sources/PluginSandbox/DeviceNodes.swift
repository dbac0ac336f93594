// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Resolves classes of device nodes to the nodes that exist now.
enum DeviceNodes {
  /// - Returns: real node paths (no links), sorted.
  static func resolve(_ permissions: [DevicePermission]) throws(SandboxError) -> [String] {
    var paths: Set<String> = []
    for permission in permissions { paths.formUnion(try resolve(permission)) }
    return paths.sorted()
  }

  private static func resolve(_ permission: DevicePermission) throws(SandboxError) -> [String] {
    let parts = permission.deviceClass.split(separator: ":", maxSplits: 1).map(String.init)
    let pattern: String
    switch (parts.first, parts.count > 1 ? parts[1] : nil) {
    // Other storages have loop and attached devices too: their nodes come one by one, through host.device.open.
    case ("loop", nil), ("attached", nil): return []
    case ("block", let path?) where path.hasPrefix("/dev/"): return []
    // So has a volume group: others' volumes, and the host's own.
    case ("lvm", let group?) where isName(group): return []
    case ("by-id", let name?) where isName(name): pattern = "/dev/disk/by-id/\(name)"
    default:
      throw SandboxError(
        .permissionRefused, "unknown device class \(permission.deviceClass.debugDescription)",
        hint: "Known classes: loop, attached, lvm:<volume group>, by-id:<name>, block:/dev/<pattern>")
    }
    return matches(pattern)
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix(".") && text.utf8.count < 128
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || [0x2B, 0x2D, 0x2E, 0x5F].contains($0)
      }
  }

  private static func matches(_ pattern: String) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0 else { return [] }
    return (0..<Int(result.gl_pathc)).compactMap { index in
      guard let path = result.gl_pathv[index], let real = realpath(path, nil) else { return nil }
      defer { free(real) }
      var status = stat()
      guard lstat(real, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else { return nil }
      return String(cString: real)
    }
  }
}
