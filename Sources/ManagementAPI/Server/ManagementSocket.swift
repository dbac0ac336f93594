// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// The daemon's Unix socket: where it may be bound and who may open it.
///
/// The socket is made in a directory only the daemon's user and the group may enter, under a umask that gives it to
/// the owner alone, and only then opened to the group: there is no moment at which someone else could connect.
public struct ManagementSocket: Sendable {
  /// Its path.
  public let path: String
  /// The group that may connect; nil when only the owner may.
  public let gid: UInt32?

  public init(path: String, gid: UInt32?) {
    self.path = path
    self.gid = gid
  }

  /// Most bytes of a Unix socket's path (`sun_path` less its final NUL).
  public static let pathLimit = 107

  /// Looks what stands at the path; removes a socket nobody listens on any more.
  /// - Throws: when a daemon answers there, when something else is in the way, when the path is too long.
  public func prepare() throws(SocketError) {
    guard path.utf8.count <= Self.pathLimit else {
      throw SocketError(
        .path, "the socket's path has \(path.utf8.count) bytes; at most \(Self.pathLimit) are possible", path: path,
        hint: "choose a shorter --run-dir")
    }
    var info = stat()
    guard lstat(path, &info) == 0 else {
      let code = errno
      if code == ENOENT { return }
      throw SocketError(.path, "cannot look at the socket's path: \(text(code))", path: path, hint: "check --run-dir")
    }
    guard info.st_mode & S_IFMT == S_IFSOCK else {
      throw SocketError(
        .path, "something that is no socket is in the way", path: path, hint: "move it away and start berthd again")
    }
    if let daemon = listener() {
      throw SocketError(
        .inUse, "another daemon, process \(daemon), listens on this socket", path: path,
        hint: "stop it first, or give this one its own --run-dir and --state-dir")
    }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw SocketError(.path, "cannot remove the stale socket: \(text(errno))", path: path, hint: "remove it by hand")
    }
  }

  /// Opens the bound socket to the group, mode 0660; it only ever gets wider here.
  public func open() throws(SocketError) {
    // A service that may not call chown at all runs with that group instead, and so has made the socket with it.
    if let gid, gid != getegid(), chown(path, uid_t.max, gid) != 0 {
      throw SocketError(
        .path, "cannot give the socket to group \(gid): \(text(errno))", path: path,
        hint: "run berthd as root or as a member of that group")
    }
    guard chmod(path, 0o660) == 0 else {
      throw SocketError(.path, "cannot set the socket's mode: \(text(errno))", path: path, hint: "check --run-dir")
    }
  }

  /// Removes it; a later daemon would do so too.
  func remove() { unlink(path) }

  /// The process that accepts connections there; nil when none does.
  private func listener() -> Int32? {
    let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    // A full backlog (EAGAIN) is a listener too.
    guard result == 0 || errno == EAGAIN else { return nil }
    var peer = berth_credentials()
    return berth_peer_credentials(fd, &peer) == 0 ? peer.pid : 0
  }
}

/// The words for an errno.
func text(_ code: Int32) -> String { String(cString: strerror(code)) }
