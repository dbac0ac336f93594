// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// The text form of IPv6 addresses.
enum IPv6Text {
  /// Up to eight groups of up to four hexadecimal digits, at most one `::`, perhaps an IPv4 address last, perhaps a zone.
  static func isValid(_ text: String) -> Bool {
    let address = text.utf8.firstIndex(of: UInt8(ascii: "%")).map { text[..<$0] } ?? text[...]
    var halves: [[Substring.UTF8View]] = []
    var start = address.utf8.startIndex
    let colon = UInt8(ascii: ":")
    if let gap = doubleColon(address.utf8) {
      halves.append(groups(address.utf8[..<gap]))
      start = address.utf8.index(gap, offsetBy: 2)
      guard doubleColon(address.utf8[start...]) == nil, address.utf8[start...].first != colon else { return false }
    }
    halves.append(groups(address.utf8[start...]))
    var count = 0
    for (half, list) in halves.enumerated() {
      for (index, group) in list.enumerated() {
        if index == list.count - 1, half == halves.count - 1, group.contains(UInt8(ascii: ".")) {
          guard isIPv4(group) else { return false }
          count += 2
        } else {
          guard (1...4).contains(group.count), group.allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) })
          else { return false }
          count += 1
        }
      }
    }
    return halves.count == 2 ? count <= 7 : count == 8
  }

  private static func groups(_ bytes: Substring.UTF8View) -> [Substring.UTF8View] {
    bytes.isEmpty ? [] : bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
  }

  private static func doubleColon(_ bytes: Substring.UTF8View) -> Substring.Index? {
    let colon = UInt8(ascii: ":")
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let next = bytes.index(after: index)
      if bytes[index] == colon, next < bytes.endIndex, bytes[next] == colon { return index }
      index = next
    }
    return nil
  }

  private static func isIPv4(_ bytes: Substring.UTF8View) -> Bool {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { (1...3).contains($0.count) && (UInt16(Substring($0)) ?? 256) < 256 }
  }
}
