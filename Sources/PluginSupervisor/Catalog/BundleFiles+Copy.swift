// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension BundleFiles {
  /// Bytes of a bundle at most that is copied.
  static let copyLimit: Int64 = 512 << 20

  /// Copies everything in the bundle into a directory that does not exist yet. Blocks.
  func copy(to target: String) throws(CatalogProblem) {
    var total: Int64 = 0
    try copy(directory, prefix: "", to: target, depth: 0, &total)
  }

  private func copy(
    _ folder: Descriptor, prefix: String, to target: String, depth: Int, _ total: inout Int64
  ) throws(CatalogProblem) {
    // Plugins run as users of their own: they have to get at it, and nobody else may change it.
    guard depth < 16, mkdir(target, 0o755) == 0, chmod(target, 0o755) == 0 else { throw failure(prefix) }
    for name in try names(of: folder, prefix) {
      let inside = prefix.isEmpty ? name : prefix + "/" + name
      var status = stat()
      guard fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw failure(inside) }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        let child = openat(folder.raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard child >= 0 else { throw failure(inside) }
        try copy(Descriptor(child), prefix: inside, to: "\(target)/\(name)", depth: depth + 1, &total)
      case S_IFREG:
        total += Int64(status.st_size)
        guard total <= Self.copyLimit else {
          throw CatalogProblem(.unreadable, bundle: path, "is larger than \(Self.copyLimit >> 20) MiB and not copied")
        }
        try copyFile(inside, to: "\(target)/\(name)", mode: status.st_mode & 0o755 | 0o644)
      case S_IFLNK:
        var text = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(folder.raw, name, &text, text.count - 1)
        guard count >= 0, symlink(text, "\(target)/\(name)") == 0 else { throw failure(inside) }
      default: throw failure(inside)
      }
    }
  }

  private func copyFile(_ name: String, to target: String, mode: mode_t) throws(CatalogProblem) {
    let (file, _) = try open(name, problem: .unreadable)
    let fd = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw failure(name) }
    let out = Descriptor(fd)
    var failed = false
    try stream(file, name, limit: Self.copyLimit) { part in
      var offset = 0
      while !failed, offset < part.count {
        let count = write(out.raw, part.baseAddress?.advanced(by: offset), part.count - offset)
        if count < 0, errno == EINTR { continue }
        if count <= 0 { failed = true } else { offset += count }
      }
    }
    guard !failed, fchmod(out.raw, mode) == 0 else { throw failure(name) }
  }

  private func failure(_ name: String) -> CatalogProblem {
    CatalogProblem(.unreadable, bundle: path, file: name.isEmpty ? nil : name, "cannot be copied: \(errnoText(errno))")
  }
}
