// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Crypto
internal import Glibc

/// Reads a bundle's files without following a link and without leaving the bundle. Blocks.
struct BundleFiles {
  /// Bytes of a manifest at most.
  static let manifestLimit = 1 << 20
  /// Files and bytes of a whole bundle at most.
  static let fileLimit = 10_000
  static let byteLimit: Int64 = 2 << 30

  let path: String
  let directory: Descriptor

  init(path: String) throws(CatalogProblem) {
    self.path = path
    guard let directory = Descriptor.open(path, O_RDONLY | O_DIRECTORY) else {
      throw CatalogProblem(.unreadable, bundle: path, "cannot be opened: \(errnoText(errno))")
    }
    self.directory = directory
    try checkOwnership(directory, nil)
  }

  /// The bytes of a small file.
  func read(_ name: String, limit: Int) throws(CatalogProblem) -> [UInt8] {
    let (file, status) = try open(name, problem: .unreadable)
    guard status.st_size <= limit else {
      throw CatalogProblem(
        .manifestInvalid, bundle: path, file: name, "has \(status.st_size) bytes; at most \(limit) are accepted")
    }
    var bytes: [UInt8] = []
    try stream(file, name, limit: Int64(limit)) { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// The SHA-256 of the executable the manifest names, once it is sure that it is one and lies in the bundle.
  func executableHash(_ name: String) throws(CatalogProblem) -> String {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
      throw CatalogProblem(
        .executableInvalid, bundle: path, file: "manifest.json",
        "executable must be a relative path inside the bundle without \"..\", is \(quoted(name))")
    }
    let (file, status) = try open(name, problem: .executableInvalid)
    guard status.st_mode & 0o111 != 0 else {
      throw CatalogProblem(.executableInvalid, bundle: path, file: name, "is not executable (chmod +x it)")
    }
    guard status.st_mode & (S_ISUID | S_ISGID) == 0 else {
      throw CatalogProblem(.executableInvalid, bundle: path, file: name, "has a set-user-id or set-group-id bit")
    }
    return try hash(file, name)
  }

  /// One digest over everything in the bundle: names, execute bits, contents and link targets.
  func digest() throws(CatalogProblem) -> String { try digest(of: .contents) }

  /// The same over what a change of a file cannot leave as it was (inode, size, times), without reading any: quick
  /// enough for every start.
  func stamp() throws(CatalogProblem) -> String { try digest(of: .identity) }

  // MARK: Parts

  private enum Facts { case contents, identity }

  private func digest(of facts: Facts) throws(CatalogProblem) -> String {
    var entries: [(name: String, line: String)] = []
    var total: Int64 = 0
    try walk(directory, prefix: "", depth: 0, facts, &entries, &total)
    var hasher = SHA256()
    // By bytes, not by what a locale or Unicode hold for equal.
    for entry in entries.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      var line = Array(entry.name.utf8)
      line.append(0)
      line += Array(entry.line.utf8)
      line.append(UInt8(ascii: "\n"))
      line.withUnsafeBytes { hasher.update(bufferPointer: $0) }
    }
    return hexadecimal(hasher.finalize())
  }

  private func walk(
    _ folder: Descriptor, prefix: String, depth: Int, _ facts: Facts, _ entries: inout [(name: String, line: String)],
    _ total: inout Int64
  ) throws(CatalogProblem) {
    guard depth < 16 else {
      throw CatalogProblem(.unreadable, bundle: path, file: prefix, "is nested too deep (16 directories at most)")
    }
    for name in try names(of: folder, prefix) {
      let inside = prefix.isEmpty ? name : prefix + "/" + name
      guard entries.count < Self.fileLimit else {
        throw CatalogProblem(.unreadable, bundle: path, "has more than \(Self.fileLimit) files")
      }
      var status = stat()
      guard fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
        throw CatalogProblem(.unreadable, bundle: path, file: inside, "cannot be examined: \(errnoText(errno))")
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        let child = openat(folder.raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard child >= 0 else {
          throw CatalogProblem(.unreadable, bundle: path, file: inside, "cannot be opened: \(errnoText(errno))")
        }
        entries.append((inside, "directory"))
        try walk(Descriptor(child), prefix: inside, depth: depth + 1, facts, &entries, &total)
      case S_IFREG:
        total += Int64(status.st_size)
        guard total <= Self.byteLimit else {
          throw CatalogProblem(.unreadable, bundle: path, "holds more than \(Self.byteLimit) bytes")
        }
        guard facts == .contents else {
          let (changed, modified) = (status.st_ctim, status.st_mtim)
          entries.append(
            (
              inside,
              "\(status.st_mode) \(status.st_dev) \(status.st_ino) \(status.st_size) \(changed.tv_sec).\(changed.tv_nsec)"
                + " \(modified.tv_sec).\(modified.tv_nsec)"
            ))
          continue
        }
        let (file, _) = try open(inside, problem: .unreadable)
        entries.append((inside, "\(status.st_mode & 0o111 != 0 ? "x" : "-")\(try hash(file, inside))"))
      case S_IFLNK:
        var target = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(folder.raw, name, &target, target.count)
        guard count >= 0 else {
          throw CatalogProblem(.unreadable, bundle: path, file: inside, "cannot be read: \(errnoText(errno))")
        }
        entries.append(
          (inside, "link \(String(decoding: target[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self))"))
      default:
        throw CatalogProblem(.unreadable, bundle: path, file: inside, "is neither a file nor a directory nor a link")
      }
    }
  }

  func names(of folder: Descriptor, _ prefix: String) throws(CatalogProblem) -> [String] {
    let copy = openat(folder.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let listing = fdopendir(copy) else {
      throw CatalogProblem(.unreadable, bundle: path, file: prefix, "cannot be listed: \(errnoText(errno))")
    }
    defer { closedir(listing) }
    return directoryNames(listing)
  }

  func open(_ name: String, problem: CatalogProblem.Code) throws(CatalogProblem) -> (Descriptor, stat) {
    let rules = BERTH_RESOLVE_BENEATH.rawValue | BERTH_RESOLVE_NO_SYMLINKS.rawValue
    let fd = berth_openat2(directory.raw, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, rules)
    guard fd >= 0 else {
      let why =
        switch -fd {
        case ELOOP: "goes through a symbolic link, which a bundle's files must not"
        case EXDEV: "lies outside the bundle"
        case let number: "cannot be opened: \(errnoText(number))"
        }
      throw CatalogProblem(problem, bundle: path, file: name, why)
    }
    let file = Descriptor(fd)
    var status = stat()
    guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw CatalogProblem(problem, bundle: path, file: name, "is no regular file")
    }
    try checkOwnership(file, name)
    return (file, status)
  }

  /// What anyone may change cannot be trusted to stay what was checked.
  private func checkOwnership(_ file: Descriptor, _ name: String?) throws(CatalogProblem) {
    var status = stat()
    guard fstat(file.raw, &status) == 0 else {
      throw CatalogProblem(.unreadable, bundle: path, file: name, "cannot be examined: \(errnoText(errno))")
    }
    guard status.st_uid == 0 || status.st_uid == geteuid() else {
      throw CatalogProblem(
        .unreadable, bundle: path, file: name, "belongs to user \(status.st_uid); must be root's or the daemon's own")
    }
    guard status.st_mode & S_IWOTH == 0 else {
      throw CatalogProblem(.unreadable, bundle: path, file: name, "can be written by anyone (chmod o-w it)")
    }
  }

  private func hash(_ file: Descriptor, _ name: String) throws(CatalogProblem) -> String {
    var hasher = SHA256()
    try stream(file, name, limit: Self.byteLimit) { hasher.update(bufferPointer: $0) }
    return hexadecimal(hasher.finalize())
  }

  func stream(
    _ file: Descriptor, _ name: String, limit: Int64, _ take: (UnsafeRawBufferPointer) -> Void
  ) throws(CatalogProblem) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    var total: Int64 = 0
    while true {
      let count = berth_read(file.raw, buffer.baseAddress, buffer.count)
      guard count >= 0 else {
        throw CatalogProblem(.unreadable, bundle: path, file: name, "cannot be read: \(errnoText(Int32(-count)))")
      }
      if count == 0 { return }
      total += Int64(count)
      guard total <= limit else {
        throw CatalogProblem(.unreadable, bundle: path, file: name, "has more than \(limit) bytes")
      }
      take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }
}

/// The names in an open directory, sorted, without `.` and `..`.
func directoryNames(_ listing: OpaquePointer) -> [String] {
  var names: [String] = []
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// The names in a directory; none when it cannot be listed.
func directoryNames(at path: String) -> [String] {
  guard let listing = opendir(path) else { return [] }
  defer { closedir(listing) }
  return directoryNames(listing)
}
