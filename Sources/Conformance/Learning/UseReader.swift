// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import PluginSandbox
internal import StorageProtocol

/// Makes permissions of what was seen, and finds out which of the manifest's were used.
struct UseReader {
  let request: PermissionRequest
  /// The configuration's values by property; `path` is the benches' own.
  let config: JSONObject
  /// Whether the storage type has a `path`.
  let hasPath: Bool
  /// The directory that holds the benches: `<work>/<number>/root` is a storage's `path`.
  let work: String

  private(set) var found: [LearnedPermission.Kind: [String]] = [:]
  private(set) var used: Set<String> = []
  /// Lines of the request that were written through, not only read.
  private(set) var written: Set<String> = []
  /// What no permission gives, with how often it was tried.
  private(set) var closed: [String: Int] = [:]

  init(_ request: PermissionRequest, config: JSONObject, hasPath: Bool, work: String) {
    self.request = request
    self.config = config
    self.hasPath = hasPath
    self.work = work
  }

  /// Places that every sandbox has, or that programs look for everywhere without needing them.
  private static let given = [
    "/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/plugin", "/sbin", "/state", "/streams", "/tmp",
    "/usr",
  ]

  mutating func read(_ uses: LearnedUses) {
    for (use, count) in uses.counts.sorted(by: { "\($0.key)" < "\($1.key)" }) {
      switch use {
      case .path(let path, let writes): read(path, writes, count)
      case .connection(let host, let port): connection(host, port, count)
      case .name(let name):
        let isGranted = request.endpoints.contains { resolved($0.host)?.lowercased() == name }
        if !isGranted { add(.name(name), "asked for the address of \(name) (\(count)×)") }
      case .socket(let path):
        if !path.hasPrefix("/var/run/nscd/") { closed["the Unix socket \(path)", default: 0] += count }
      case .processes:
        used.insert("runtime threads")
        if !request.runtime.threads { add(.threads, "started threads or processes (\(count)×)") }
      case .executableMemory:
        note(request.runtime.jit, "runtime jit", .jit, "made memory executable (\(count)×)")
      case .subvolumes:
        note(request.runtime.btrfs, "runtime btrfs", .btrfs, "worked on btrfs subvolumes (\(count)×)")
      case .refused(let name): closed["the system call \(name)", default: 0] += count
      }
    }
  }

  mutating func asked(_ method: String, _ count: Int) {
    if let one = request.broker.first(where: { $0.covers(method) }) {
      used.insert(line(of: one))
    } else if let group = MethodTable[method]?.annotations.group,
      !["host-core", "host-locks", "host-journal"].contains(group)
    {
      add(.broker(method), "asked the host for \(method) (\(count)×)")
    }
  }

  private mutating func note(_ isAsked: Bool, _ line: String, _ kind: LearnedPermission.Kind, _ evidence: String) {
    if isAsked { used.insert(line) } else { add(kind, evidence) }
  }

  private mutating func add(_ kind: LearnedPermission.Kind, _ evidence: String) {
    found[kind, default: []].append(evidence)
  }

  // MARK: - Paths

  private mutating func read(_ path: String, _ writes: Bool, _ count: Int) {
    let evidence = "\(writes ? "changed" : "opened or looked at") \(path) (\(count)×)"
    if PathPolicy.isBeneath(path, "/proc") {
      // Of /proc a plugin can have its own processes only; the rest is a guess that programs live without.
      let parts = path.split(separator: "/")
      if parts.count > 1, ["self", "thread-self"].contains(parts[1]) || Int(parts[1]) != nil {
        note(request.runtime.procSelf, "runtime proc:self", .procSelf, evidence)
      }
      return
    }
    let text = template(path)
    var isGranted = false
    for file in request.files {
      guard let place = resolved(file.path.description), PathPolicy.isBeneath(text, place) else { continue }
      let line = "fs \(file.access.rawValue) \(file.path)"
      used.insert(line)
      if writes { written.insert(line) }
      if file.access == .rw || !writes { isGranted = true }
    }
    if isGranted || isAboveStorage(path) { return }
    if PathPolicy.isBeneath(path, "/dev"), let name = Self.deviceClass(path), Self.exists(path) {
      let known = request.devices.first { resolved($0.class) == name && ($0.access == .rw || !writes) }
      if let known {
        used.insert("device \(known.access.rawValue) \(known.class)")
      } else {
        add(.device(name, writes: writes), evidence)
      }
      return
    }
    if Self.given.contains(where: { PathPolicy.isBeneath(path, $0) }) && !PathPolicy.isBeneath(path, work) { return }
    file(path, text, writes, count, evidence)
  }

  /// Whether the path leads to a storage's directory: a sandbox that has the one has the other, and a plugin that makes
  /// directories from the root on asks for all of them.
  private func isAboveStorage(_ path: String) -> Bool {
    if path == "/" || PathPolicy.isBeneath(work, path) { return true }
    if path.hasPrefix(work + "/"), !path.dropFirst(work.count + 1).contains("/") { return true }
    return config.contains { member in
      member.value.stringValue.map { $0.hasPrefix("/") && $0 != path && PathPolicy.isBeneath($0, path) } ?? false
    }
  }

  /// Proposes a directory for a path that nothing in the manifest covers.
  private mutating func file(_ path: String, _ text: String, _ writes: Bool, _ count: Int, _ evidence: String) {
    if text.hasPrefix("${config.") {
      let property = text.prefix(through: text.firstIndex(of: "}") ?? text.startIndex)
      add(.file(String(property), writes: writes), evidence)
      return
    }
    // What is nowhere on this host is a guess of the plugin's, unless it wanted to make it.
    var place = path
    if !Self.isDirectory(place) {
      guard writes || Self.exists(place) else { return }
      place = Self.parent(of: place)
    }
    while !Self.isDirectory(place), place != "/" { place = Self.parent(of: place) }
    // A directory that belongs to the system may hold a file that does not.
    for candidate in [place, path] {
      do throws(SandboxError) {
        try PathPolicy.check(FilePermission(path: candidate, access: writes ? .readWrite : .readOnly))
        guard Self.exists(candidate) else { continue }
        add(.file(candidate, writes: writes), evidence)
        return
      } catch { continue }
    }
    if Self.exists(path) || writes { closed[path, default: 0] += count }
  }

  /// The path with a property of the configuration in front where it begins with one's value.
  private func template(_ path: String) -> String {
    if hasPath, path.hasPrefix(work + "/") {
      let rest = path.dropFirst(work.utf8.count + 1)
      let parts = rest.split(separator: "/", maxSplits: 2).map(String.init)
      if parts.count >= 2, parts[1] == "root" { return "${config.path}" + (parts.count > 2 ? "/" + parts[2] : "") }
    }
    for member in config {
      guard let value = member.value.stringValue, PathPolicy.isCanonical(value), PathPolicy.isBeneath(path, value)
      else {
        continue
      }
      return "${config.\(member.key)}" + path.dropFirst(value.utf8.count)
    }
    return path
  }

  /// A requested path as `template` writes paths: properties that are paths stay as they are.
  private func resolved(_ text: String) -> String? {
    guard let template = PathTemplate(text) else { return nil }
    if template.properties == ["path"], hasPath { return text }
    if let name = template.properties.first, let value = config[name]?.stringValue, PathPolicy.isCanonical(value) {
      return text
    }
    return template.resolved(config)
  }

  private static func deviceClass(_ path: String) -> String? {
    let parts = path.split(separator: "/").map(String.init)
    if parts.count == 2, parts[1].hasPrefix("loop"), Int(parts[1].dropFirst(4)) != nil { return "loop" }
    if parts.count == 4, parts[1] == "disk", parts[2] == "by-id" { return "by-id:\(parts[3])" }
    let others = ["disk", "fd", "mapper", "net", "pts", "shm"]
    return parts.count == 3 && !others.contains(parts[1]) ? "lvm:\(parts[1])" : nil
  }

  private static func parent(of path: String) -> String {
    let parent = path.split(separator: "/").dropLast().joined(separator: "/")
    return "/" + parent
  }

  private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  // MARK: - Network

  private mutating func connection(_ host: String, _ port: UInt16, _ count: Int) {
    for endpoint in request.endpoints
    where resolved(endpoint.host)?.lowercased() == host && resolved(endpoint.port) == String(port) {
      used.insert("net tcp \(endpoint.host):\(endpoint.port)")
      return
    }
    if request.hostNetwork != nil {
      used.insert("net host")
      return
    }
    let property = config.first { $0.value.stringValue?.lowercased() == host }?.key
    add(
      .endpoint(host: host, port: port, shown: property.map { "${config.\($0)}" } ?? host),
      "connected to \(host) port \(port) (\(count)×)")
  }

  private func line(of broker: PermissionRequest.BrokerRequest) -> String {
    let alone = PermissionRequest(broker: [broker])
    return PermissionGrant.lines(of: alone).first ?? ""
  }

  // MARK: - Result

  /// What to add to the manifest: one permission where a wider one covers another.
  var proposals: [LearnedPermission] {
    let all = found.map { kind, evidence in
      LearnedPermission(kind: kind, evidence: Array(evidence.prefix(5)))
    }
    return all.filter { one in
      guard case .file(let path, let writes) = one.kind else { return true }
      return !all.contains { other in
        guard case .file(let wider, let otherWrites) = other.kind, other.kind != one.kind else { return false }
        return PathPolicy.isBeneath(path, wider) && (otherWrites || !writes)
      }
    }
    .sorted { $0.line < $1.line }
  }

  /// Requested permissions that nothing used.
  var unused: [String] {
    PermissionGrant.lines(of: request).filter { line in
      !line.hasPrefix("runtime memory") && !line.hasPrefix("runtime processes") && !line.hasPrefix("runtime tmp")
        && line != "runtime single-process" && !used.contains(line)
    }
  }

  /// Requests to write that were only read through.
  var onlyRead: [String] {
    PermissionGrant.lines(of: request).filter { $0.hasPrefix("fs rw ") && used.contains($0) && !written.contains($0) }
  }
}
