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

  /// The number in a namespace's identity, nil when this daemon may not look.
  func namespaceInode(_ name: String) -> UInt64? { Self.inode(namespace(name)) }

  static func ownNamespaceInode(_ name: String) -> UInt64? { inode(ownNamespace(name)) }

  /// `net:[4026531840]`.
  private static func inode(_ identity: String?) -> UInt64? {
    identity.flatMap { UInt64($0.drop { $0 != "[" }.dropFirst().dropLast()) }
  }

  /// Whether it has ended and only waits to be collected.
  var isZombie: Bool { status["State"]?.first == "Z" }

  static func ownNamespace(_ name: String) -> String? { link("/proc/self/ns/\(name)") }

  /// The processes it has started, the oldest first; nil when `/proc` shows none at all.
  var children: [Int32]? {
    SmallFile.read("/proc/\(pid)/task/\(pid)/children")?.split(separator: " ").compactMap { Int32($0) }
      ?? Self.children(of: pid)
  }

  /// The same on a kernel without that file (CONFIG_PROC_CHILDREN): every process is looked at.
  static func children(of parent: Int32) -> [Int32]? {
    guard let directory = opendir("/proc") else { return nil }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let pid = Int32(name), ObservedProcess(pid: pid)?.status["PPid"] == "\(parent)" else { continue }
      found.append(pid)
    }
    return found.sorted()
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

  /// Its control groups: the path in each version 1 hierarchy by controller, that in the unified one by "".
  var groups: [String: String] {
    var groups: [String: String] = [:]
    for line in (SmallFile.read("/proc/\(pid)/cgroup") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
        groups[String(controller)] = String(fields[2])
      }
    }
    return groups
  }

  /// What an open descriptor leads to.
  struct Descriptor {
    var number: Int
    var target: String
    /// The mount it was opened on, as in mountinfo.
    var mount: Int?
  }

  /// What the open descriptors lead to, nil when this daemon may not look.
  var descriptors: [Descriptor]? {
    guard let directory = opendir("/proc/\(pid)/fd") else { return nil }
    defer { closedir(directory) }
    var found: [Descriptor] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let number = Int(name) else { continue }
      // A running program opens and closes files while it is looked at: what is not the same before and after its mount
      // was read says nothing, and what was there from the beginning stays.
      guard let target = Self.link("/proc/\(pid)/fd/\(name)"),
        let information = SmallFile.read("/proc/\(pid)/fdinfo/\(name)"),
        Self.link("/proc/\(pid)/fd/\(name)") == target
      else { continue }
      let line = information.split(separator: "\n").first { $0.hasPrefix("mnt_id:") }
      found.append(
        Descriptor(number: number, target: target, mount: line.flatMap { Int($0.drop { !$0.isNumber && $0 != "-" }) }))
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

  /// The mounts of the process's namespace.
  var mounts: [MountLine] { Self.mountLines(of: String(pid)) }

  /// One line of mountinfo(5).
  struct MountLine {
    var id: Int
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
      guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count, let id = Int(fields[0])
      else { return nil }
      return MountLine(
        id: id, device: String(fields[2]), root: unescape(fields[3]), target: unescape(fields[4]),
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
