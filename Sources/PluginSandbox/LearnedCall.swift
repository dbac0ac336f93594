// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// One waiting system call of a plugin in learning mode, and what it says about permissions.
struct LearnedCall {
  var name: String
  var notice: berth_notice

  /// Where a call has its path, and whether it changes what is there.
  private struct PathArgument {
    /// The argument that holds a directory's descriptor; nil: relative to the working directory.
    var directory: Int?
    var path: Int
    var writes = false
  }

  /// nil when the plugin's memory cannot be read.
  func uses(_ endpoints: [ResolvedEndpoint]) -> [LearnedUse]? {
    switch name {
    case "clone", "fork", "vfork": return [.processes]
    case "mmap", "mprotect": return [.executableMemory]
    case "connect": return connection(endpoints)
    case "sendto": return question(at: argument(1), argument(2)).map { [.name($0)] } ?? []
    case "sendmmsg": return messages()
    case "ioctl": return SyscallList.btrfsIoctls.contains(argument(1) & 0xFFFF_FFFF) ? [.subvolumes] : []
    default: return paths()
    }
  }

  /// A connection to a name server, which the plugin is made to believe in.
  var asksNameServer: Bool { name == "connect" && address?.port == 53 }

  private func argument(_ index: Int) -> UInt64 { notice.arguments[index] }

  // MARK: - Paths

  private static let single: [String: (path: Int, writes: Bool)] = [
    "access": (0, false), "chdir": (0, false), "lstat": (0, false), "readlink": (0, false), "stat": (0, false),
    "statfs": (0, false), "chmod": (0, true), "chown": (0, true), "creat": (0, true), "lchown": (0, true),
    "mkdir": (0, true), "mknod": (0, true), "rmdir": (0, true), "truncate": (0, true), "unlink": (0, true),
    "utime": (0, true), "utimes": (0, true),
  ]

  private static let relative: [String: Bool] = [
    "faccessat": false, "faccessat2": false, "newfstatat": false, "readlinkat": false, "statx": false,
    "fchmodat": true, "fchownat": true, "mkdirat": true, "mknodat": true, "unlinkat": true, "utimensat": true,
  ]

  private var pathArguments: [PathArgument] {
    if let known = Self.single[name] { return [PathArgument(path: known.path, writes: known.writes)] }
    if let writes = Self.relative[name] { return [PathArgument(directory: 0, path: 1, writes: writes)] }
    switch name {
    case "open": return [PathArgument(path: 0, writes: Self.writes(argument(1)))]
    case "openat": return [PathArgument(directory: 0, path: 1, writes: Self.writes(argument(2)))]
    case "rename", "link": return [PathArgument(path: 0, writes: true), PathArgument(path: 1, writes: true)]
    case "renameat", "renameat2", "linkat":
      return [PathArgument(directory: 0, path: 1, writes: true), PathArgument(directory: 2, path: 3, writes: true)]
    case "symlink": return [PathArgument(path: 1, writes: true)]
    case "symlinkat": return [PathArgument(directory: 1, path: 2, writes: true)]
    default: return []
    }
  }

  private static func writes(_ flags: UInt64) -> Bool {
    Int32(truncatingIfNeeded: flags) & (O_ACCMODE | O_CREAT | O_TRUNC) != 0
  }

  private func paths() -> [LearnedUse]? {
    var uses: [LearnedUse] = []
    for one in pathArguments {
      guard let text = text(argument(one.path)) else { return nil }
      if text.isEmpty { continue }  // the descriptor itself: opened before, and seen then
      guard let path = absolute(text, one.directory.map(argument)) else { return nil }
      uses.append(.path(path, writes: one.writes))
    }
    return uses
  }

  /// The path from the sandbox's root, without `.` and `..`; links are not followed.
  private func absolute(_ text: String, _ directory: UInt64?) -> String? {
    var parts: [Substring] = []
    if !text.hasPrefix("/") {
      let descriptor = directory.map { Int32(truncatingIfNeeded: $0) } ?? AT_FDCWD
      let place = descriptor == AT_FDCWD ? "cwd" : "fd/\(descriptor)"
      guard let base = Self.link("/proc/\(notice.thread)/\(place)"), base.hasPrefix("/") else { return nil }
      parts = base.split(separator: "/")
    }
    for part in text.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  private static func link(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let size = readlink(path, &buffer, buffer.count)
    return size > 0 ? String(decoding: buffer[..<size].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }

  // MARK: - Network

  private struct Address {
    var bytes: [UInt8]
    var port: UInt16

    var text: String {
      var buffer = [CChar](repeating: 0, count: 64)
      _ = inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &buffer, socklen_t(buffer.count))
      return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// An internet address among the arguments of connect.
  private var address: Address? {
    guard let bytes = memory(argument(1), min(Int(truncatingIfNeeded: argument(2)), 128)), bytes.count >= 8 else {
      return nil
    }
    let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    switch Int32(bytes[0]) | Int32(bytes[1]) << 8 {
    case AF_INET: return Address(bytes: Array(bytes[4..<8]), port: port)
    case AF_INET6 where bytes.count >= 24: return Address(bytes: Array(bytes[8..<24]), port: port)
    default: return nil
    }
  }

  private func connection(_ endpoints: [ResolvedEndpoint]) -> [LearnedUse]? {
    guard let bytes = memory(argument(1), min(Int(truncatingIfNeeded: argument(2)), 128)), bytes.count >= 2 else {
      return nil
    }
    if bytes[0] == UInt8(AF_UNIX), bytes[1] == 0 {
      let path = String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
      return path.hasPrefix("/") ? [.socket(path)] : []
    }
    guard let address, address.port != 53 else { return [] }
    // A name that was granted has an address of its own inside.
    let host = endpoints.first { $0.insideAddress == address.bytes }?.host ?? address.text
    return [.connection(host: host, port: address.port)]
  }

  /// The name in a DNS question, if that is what the bytes are.
  private func question(at place: UInt64, _ size: UInt64) -> String? {
    guard (17...512).contains(size), let bytes = memory(place, Int(size)) else { return nil }
    return Self.question(bytes)
  }

  static func question(_ bytes: [UInt8]) -> String? {
    // A query with one question and nothing else but perhaps an option record.
    guard bytes.count > 16, bytes[2] & 0xF8 == 0, bytes[4] == 0, bytes[5] == 1, bytes[6...9].allSatisfy({ $0 == 0 })
    else { return nil }
    var labels: [String] = []
    var rest = bytes.dropFirst(12)
    while let length = rest.popFirst(), length > 0 {
      guard length < 64, rest.count > Int(length) else { return nil }
      labels.append(String(decoding: rest.prefix(Int(length)), as: UTF8.self))
      rest = rest.dropFirst(Int(length))
    }
    let name = labels.joined(separator: ".").lowercased()
    return EndpointResolver.isHostName(name) ? name : nil
  }

  /// Names in the messages of sendmmsg: the C library asks for both address families at once.
  private func messages() -> [LearnedUse]? {
    var names: [LearnedUse] = []
    for index in 0..<min(argument(2), 4) {
      // struct mmsghdr is 64 bytes: a msghdr, whose third word points to the buffers, and a length.
      guard let header = memory(argument(1) + index * 64, 24).map(Self.words), header.count == 3,
        let buffer = memory(header[2], 16).map(Self.words), buffer.count == 2
      else { return nil }
      if let name = question(at: buffer[0], buffer[1]), !names.contains(.name(name)) { names.append(.name(name)) }
    }
    return names
  }

  private static func words(_ bytes: [UInt8]) -> [UInt64] {
    stride(from: 0, to: bytes.count - 7, by: 8).map { start in
      bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  // MARK: - The plugin's memory

  /// Up to `count` bytes from a place in the plugin's memory; fewer where a page ends; nil when it cannot be read.
  private func memory(_ place: UInt64, _ count: Int) -> [UInt8]? {
    let file = open("/proc/\(notice.thread)/mem", O_RDONLY | O_CLOEXEC)
    guard file >= 0, let offset = off_t(exactly: place), count > 0 else {
      if file >= 0 { close(file) }
      return nil
    }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(file, &bytes, count, offset)
    return got > 0 ? Array(bytes[..<got]) : nil
  }

  /// A text that ends with a zero.
  private func text(_ place: UInt64) -> String? {
    var text: [UInt8] = []
    while text.count < 4096 {
      let start = place + UInt64(text.count)
      // Not beyond the page: the next one may not be there.
      guard let part = memory(start, 4096 - Int(start % 4096)) else { return nil }
      if let end = part.firstIndex(of: 0) { return String(decoding: text + part[..<end], as: UTF8.self) }
      text += part
    }
    return nil
  }
}
