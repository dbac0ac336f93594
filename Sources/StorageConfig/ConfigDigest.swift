// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

private import Crypto

/// The digest that tells one version of the configuration from another.
enum ConfigDigest {
  /// SHA-1 in hexadecimal, as Proxmox VE computes it. It guards against lost updates, not against attackers.
  static func sha1(_ bytes: [UInt8]) -> String {
    var hash = Insecure.SHA1()
    bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in hash.finalize() {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
