// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// What a plan's sandbox shows in its file system, parents before children.
struct MountTable: Sendable {
  struct Entry: Sendable, Hashable {
    var kind: bl_mount_kind
    var flags: UInt8 = 0
    var source = ""
    var target: String
    var inodes: UInt32 = 0
    var size: UInt64 = 0

    static func == (left: Entry, right: Entry) -> Bool { left.target == right.target }
    func hash(into hasher: inout Hasher) { hasher.combine(target) }
  }

  private(set) var entries: [Entry] = []

  private static let bind = BL_M_BIND
  private static let exec = UInt8(BL_MF_EXEC.rawValue)
  private static let write = UInt8(BL_MF_WRITE.rawValue)
  private static let idmap = UInt8(BL_MF_IDMAP.rawValue)
  private static let slave = UInt8(BL_MF_SLAVE.rawValue)
  private static let optional = UInt8(BL_MF_OPTIONAL.rawValue)
  private static let device = UInt8(BL_MF_DEVICE.rawValue)

  init(_ plan: LaunchPlan, endpoints: [ResolvedEndpoint]) throws(SandboxError) {
    addSystem(plan)
    addGeneratedFiles(plan, endpoints: endpoints)
    for name in ["null", "zero", "full", "random", "urandom"] {
      add(Entry(kind: Self.bind, flags: Self.device | Self.write, source: "/dev/\(name)", target: "/dev/\(name)"))
    }
    let temporary = plan.effectiveLimits.temporarySpace
    add(Entry(kind: BL_M_TMPFS, flags: Self.write, target: "/tmp", inodes: 16384, size: max(temporary, 4096)))
    add(Entry(kind: Self.bind, flags: Self.exec, source: plan.bundle, target: "/plugin"))
    if plan.stateImage != nil {
      add(Entry(kind: BL_M_IMAGE, flags: Self.write, target: "/state"))
    } else if let state = plan.stateDirectory {
      add(Entry(kind: Self.bind, flags: Self.write | Self.idmap, source: state, target: "/state"))
    } else {
      add(Entry(kind: BL_M_TMPFS, flags: Self.write, target: "/state", inodes: 4096, size: 16 << 20))
    }
    if let streams = plan.streamsDirectory {
      add(Entry(kind: Self.bind, flags: UInt8(BL_MF_FIFO.rawValue), source: streams, target: "/streams"))
    }
    if let broker = plan.brokerDirectory {
      // Whether a mount may be written is decided mount by mount; the directory itself belongs to root.
      add(
        Entry(kind: Self.bind, flags: Self.write | Self.slave, source: broker + "/mounts", target: broker + "/mounts"))
      add(Entry(kind: Self.bind, flags: UInt8(BL_MF_NODES.rawValue), source: broker + "/dev", target: broker + "/dev"))
    }
    try addGrants(plan)
    // Those that may be written first: of a node in two classes the first entry stays.
    for access in [FilePermission.Access.readWrite, .readOnly] {
      let flags = access == .readWrite ? Self.device | Self.write : Self.device
      for path in try DeviceNodes.resolve(plan.permissions.devices.filter { $0.access == access }) {
        add(Entry(kind: Self.bind, flags: flags, source: path, target: path))
      }
    }
    entries.sort { $0.target < $1.target }
  }

  private mutating func add(_ entry: Entry) {
    if !entries.contains(entry) { entries.append(entry) }
  }

  /// Interpreters, libraries and tools. `/bin` and its kin are links on a merged-usr system and directories elsewhere.
  private mutating func addSystem(_ plan: LaunchPlan) {
    for path in plan.systemDirectories {
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFLNK {
        guard let link = Self.readLink(path) else { continue }
        add(Entry(kind: BL_M_SYMLINK, source: link, target: path))
      } else {
        add(Entry(kind: Self.bind, flags: Self.exec, source: path, target: path))
      }
    }
    add(Entry(kind: Self.bind, flags: Self.optional, source: "/etc/ld.so.cache", target: "/etc/ld.so.cache"))
    add(Entry(kind: Self.bind, flags: Self.optional, source: "/etc/alternatives", target: "/etc/alternatives"))
    if plan.permissions.network != .none {
      add(Entry(kind: Self.bind, flags: Self.optional, source: "/etc/ssl/certs", target: "/etc/ssl/certs"))
      add(Entry(kind: Self.bind, flags: Self.optional, source: "/etc/ssl/openssl.cnf", target: "/etc/ssl/openssl.cnf"))
    }
    if plan.permissions.network == .host {
      add(Entry(kind: Self.bind, flags: Self.optional, source: "/etc/resolv.conf", target: "/etc/resolv.conf"))
    }
  }

  private mutating func addGeneratedFiles(_ plan: LaunchPlan, endpoints: [ResolvedEndpoint]) {
    let (uid, gid) = (plan.uid, plan.group)
    // The first line that knows a name wins.
    let hosts = endpoints.compactMap(\.hostsLine) + ["127.0.0.1 localhost", "::1 localhost"]
    // In learning mode names are asked for where the question is seen.
    let asks = plan.permissions.network == .host || plan.learning
    let files = [
      "/etc/passwd": "plugin:x:\(uid):\(gid)::/state:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
      "/etc/group": "plugin:x:\(gid):\nnogroup:x:65534:\n",
      "/etc/nsswitch.conf":
        "passwd: files\ngroup: files\nhosts: files\(asks ? " dns" : "")\n",
      "/etc/hosts": hosts.joined(separator: "\n") + "\n",
    ]
    for (path, content) in files { add(Entry(kind: BL_M_FILE, source: content, target: path)) }
  }

  private mutating func addGrants(_ plan: LaunchPlan) throws(SandboxError) {
    // The shorter path first: a grant that a wider writable one covers already adds nothing.
    let grants = plan.permissions.files.sorted { $0.path < $1.path }
    var writable: [String] = []
    for grant in grants {
      // What is mounted there was looked at when the permissions were made: the table can be long.
      try PathPolicy.check(grant, mounts: HostMounts(mounts: []))
      if let covering = writable.first(where: { PathPolicy.isBeneath(grant.path, $0) }) {
        if grant.access == .readWrite { continue }
        throw SandboxError(
          .invalidPlan, "\(grant.path) is granted read-only below \(covering), which is granted read-write",
          hint: "grant one of the two")
      }
      var flags = Self.idmap | UInt8(BL_MF_SLAVE.rawValue)
      if grant.access == .readWrite {
        flags |= Self.write
        writable.append(grant.path)
      }
      add(Entry(kind: Self.bind, flags: flags, source: grant.path, target: grant.path))
    }
  }

  private static func readLink(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let size = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { readlink(path, $0.baseAddress!, $0.count) }  // count is 4096: not nil
    }
    return size > 0 ? String(decoding: buffer[..<size], as: UTF8.self) : nil
  }
}
