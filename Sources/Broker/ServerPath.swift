// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// How the servers of network file systems are written.
enum ServerPath {
  /// `server:/export` or `[address]:/export`.
  static func nfs(_ source: String) -> (Substring, String)? {
    guard let colon = source.range(of: ":/"), isPath(source[source.index(after: colon.lowerBound)...]) else {
      return nil
    }
    guard let host = host(source[..<colon.lowerBound]) else { return nil }
    return (host, String(source[source.index(after: colon.lowerBound)...]))
  }

  /// `//server/share[/path]`.
  static func cifs(_ source: String) -> Substring? {
    guard source.hasPrefix("//") else { return nil }
    let parts = source.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 2, isPath(source.dropFirst(1)) else { return nil }
    return host(parts[0])
  }

  /// `monitor[,monitor]:/path`.
  static func ceph(_ source: String) -> ([Substring], String)? {
    guard let colon = source.range(of: ":/"), isPath(source[source.index(after: colon.lowerBound)...]) else {
      return nil
    }
    let hosts = source[..<colon.lowerBound].split(separator: ",").map { host($0) }
    let known = hosts.compactMap(\.self)
    guard !known.isEmpty, known.count == hosts.count else { return nil }
    return (known, String(source[source.index(after: colon.lowerBound)...]))
  }

  private static func host(_ text: Substring) -> Substring? {
    var text = text
    if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
    guard !text.isEmpty, !text.hasPrefix("-"), text.utf8.count <= 253 else { return nil }
    let good = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "._:-".utf8.contains(byte)
    }
    return good ? text : nil
  }

  /// Absolute, without '.', '..', control characters and what separates options.
  private static func isPath(_ text: Substring) -> Bool {
    guard text.utf8.count < 1_024, text.hasPrefix("/") else { return false }
    let good = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "._-/@=%+~".utf8.contains(byte)
    }
    return good && !text.split(separator: "/").contains { $0 == "." || $0 == ".." }
  }
}

extension String {
  /// Where a text begins; the standard library alone has no such search.
  func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
