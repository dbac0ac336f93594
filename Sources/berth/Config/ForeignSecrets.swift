// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import BerthClient
internal import Glibc
internal import ManagementTypes

/// The secrets that Proxmox VE keeps beside its configuration: one file a storage and kind.
struct ForeignSecrets {
  var directory: String

  /// What each kind of file holds.
  static let kinds: [(suffix: String, property: String)] = [
    ("pw", "password"), ("enc", "encryption-key"), ("master.pem", "master-pubkey"), ("keyring", "keyring"),
    ("secret", "keyring"),
  ]

  init(directory: String) throws(ClientError) {
    guard access(directory, R_OK | X_OK) == 0 else {
      throw ClientError(
        .local, "cannot read the directory with the secrets: \(String(cString: strerror(errno)))", place: directory,
        hint: "Proxmox VE's is /etc/pve/priv/storage, for root only")
    }
    self.directory = directory
  }

  /// Everything there is for these storages, by storage and property.
  func all(of sections: [ConfigTakeoverReport.Section]) throws(ClientError) -> [String: [String: String]] {
    var found: [String: [String: String]] = [:]
    for section in sections {
      for (suffix, property) in Self.kinds {
        let path = "\(directory)/\(section.storeid).\(suffix)"
        guard access(path, F_OK) == 0, let source = SecretSource(argument: "\(property)=@\(path)") else { continue }
        var value = try source.read()
        // CIFS credentials are written as mount.cifs reads them.
        if suffix == "pw", section.type == "cifs", value.hasPrefix("password=") {
          value = String(value.dropFirst("password=".count))
        }
        found[section.storeid, default: [:]][property] = value
      }
    }
    return found
  }
}
