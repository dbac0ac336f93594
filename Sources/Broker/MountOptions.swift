// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import PluginSandbox
internal import StorageProtocol

/// The mount options a plugin may name, by kind. The worker has the same list; what is on neither cannot be set: nothing
/// names a file, a security label, devices or set-user-id programs.
struct MountOptions: Sendable {
  private static let flags: [String: Set<String>] = [
    "ext4": ["noatime", "discard"],
    "xfs": ["noatime", "discard", "norecovery", "nouuid"],
    "btrfs": ["noatime"],
    "nfs": ["soft", "hard", "softerr", "nolock", "noac", "nordirplus", "noresvport", "noatime"],
    "cifs": ["seal", "nobrl", "mfsymlinks", "soft", "hard", "noserverino", "guest"],
    "ceph": ["noatime"],
  ]

  private static let words: [String: Set<String>] = [
    "ext4": ["data", "commit"],
    "xfs": [],
    "btrfs": ["discard", "compress", "commit"],
    "nfs": [
      "vers", "port", "mountport", "rsize", "wsize", "timeo", "retrans", "acregmin", "acregmax", "acdirmin",
      "acdirmax", "actimeo", "nconnect", "sec", "lookupcache", "local_lock",
    ],
    "cifs": ["username", "domain", "vers", "sec", "port", "iocharset", "cache", "rsize", "wsize", "actimeo"],
    "ceph": ["name", "mds_namespace"],
  ]

  /// The options as the worker takes them.
  ///
  /// - Parameters:
  ///   - type: the file system.
  ///   - consumed: names that mean something to the broker itself.
  static func check(
    _ options: [String: String], type: String, consumed: Set<String>
  ) throws(StorageError) -> [BrokerOperation.Option] {
    var result: [BrokerOperation.Option] = []
    for (key, value) in options.sorted(by: { $0.key < $1.key }) where !consumed.contains(key) {
      if flags[type]?.contains(key) == true, value.isEmpty {
        result.append(BrokerOperation.Option(key))
      } else if words[type]?.contains(key) == true, isPlain(value) {
        result.append(BrokerOperation.Option(key == "username" ? "user" : key, value))
      } else {
        throw .denied(
          "mount option \(ForeignText.quoted(key)) with \(ForeignText.quoted(value)) is not allowed for \(type)",
          hint: "allowed: \((flags[type] ?? []).union(words[type] ?? []).sorted().joined(separator: ", "))")
      }
    }
    return result
  }

  /// Letters, digits and a few signs: nothing that could begin another option.
  static func isPlain(_ value: String) -> Bool {
    !value.isEmpty && value.utf8.count <= 128 && !value.hasPrefix("-")
      && value.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "._:@+".utf8.contains(byte)
      }
  }
}
