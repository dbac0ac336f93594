// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One process as `/proc` of the host shows it.
struct ObservedProcess {
  let pid: Int32
  /// The fields of `/proc/<pid>/status`.
  let status: [String: String]

  /// nil when the process is gone.
  init?(pid: Int32) {
    guard let text = SmallFile.read("/proc/\(pid)/status") else { return nil }
    self.pid = pid
    var status: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      status[String(line[..<colon])] = String(value)
    }
    self.status = status
  }

  /// Real, effective, saved and file-system id.
  func ids(_ field: String) -> [UInt32] {
    (status[field] ?? "").split(whereSeparator: { $0 == "\t" || $0 == " " }).compactMap { UInt32($0) }
  }

  /// Capability sets that are not empty, by name.
  var capabilities: [String] {
    ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].filter { UInt64(status[$0] ?? "", radix: 16) != 0 }
  }

  /// The namespace's identity, nil when this daemon may not look.
  func namespace(_ name: String) -> String? { Self.link("/proc/\(pid)/ns/\(name)") }

  static func ownNamespace(_ name: String) -> String? { link("/proc/self/ns/\(name)") }

  /// The processes it has started, nil when the kernel does not tell.
  var children: [Int32]? {
    SmallFile.read("/proc/\(pid)/task/\(pid)/children")?.split(separator: " ").compactMap { Int32($0) }
  }

  /// Hard limits by their name in `/proc/<pid>/limits`; nil stands for unlimited.
  var limits: [String: UInt64?] {
    var limits: [String: UInt64?] = [:]
    for line in (SmallFile.read("/proc/\(pid)/limits") ?? "").split(separator: "\n").dropFirst() where line.count > 50 {
      let name = line.prefix(26).reversed().drop { $0 == " " }.reversed()
      let values = line.dropFirst(26).split(separator: " ")
      if values.count >= 2 { limits[String(name)] = .some(UInt64(values[1])) }
    }
    return limits
  }

  /// What the open descriptors lead to, nil when this daemon may not look.
  var descriptors: [(number: Int, target: String)]? {
    guard let directory = opendir("/proc/\(pid)/fd") else { return nil }
    defer { closedir(directory) }
    var found: [(Int, String)] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let number = Int(name), let target = Self.link("/proc/\(pid)/fd/\(name)") else { continue }
      found.append((number, target))
    }
    return found
  }

  /// How many descriptors are open, nil when this daemon may not look.
  var descriptorCount: Int? {
    guard let directory = opendir("/proc/\(pid)/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count - 2  // . and ..
  }

  /// One mount of the process's namespace.
  struct Mount {
    var target: String
    var options: Set<String>
    var type: String
  }

  var mounts: [Mount] {
    Self.mountLines(of: String(pid)).map { Mount(target: $0.target, options: $0.options, type: $0.type) }
  }

  /// One line of mountinfo(5).
  struct MountLine {
    var device: String
    var root: String
    var target: String
    var options: Set<String>
    var type: String
  }

  /// The lines of a process's mountinfo, in the order of mounting; `self` is this process.
  static func mountLines(of process: String) -> [MountLine] {
    (SmallFile.read("/proc/\(process)/mountinfo") ?? "").split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { return nil }
      return MountLine(
        device: String(fields[2]), root: unescape(fields[3]), target: unescape(fields[4]),
        options: Set(fields[5].split(separator: ",").map(String.init)), type: String(fields[dash + 1]))
    }
  }

  /// mountinfo writes spaces and the like as octal escapes.
  private static func unescape(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == 0x5C, rest.count >= 3, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func link(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let size = readlink(path, &buffer, buffer.count)
    guard size >= 0 else { return nil }
    return String(decoding: buffer[..<size].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
