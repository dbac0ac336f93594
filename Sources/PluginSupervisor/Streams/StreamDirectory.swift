// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// The directory of one storage's streams: each operation gets a directory in it with one FIFO.
///
/// The directory belongs to the host, which alone makes and removes entries; the plugin sees it at `/streams`.
public struct StreamDirectory: Sendable, Hashable {
  /// The directory on the host.
  public let path: String
  /// The directory as the plugin sees it.
  public let inside: String
  /// User and group id that FIFOs are given; nil leaves them to the daemon's own user.
  public let owner: UInt32?

  public init(path: String, inside: String = "/streams", owner: UInt32?) {
    self.path = path
    self.inside = inside
    self.owner = owner
  }

  /// Makes the directory (0711) and its parents. Blocks; for a thread of one's own.
  func prepare() throws(StreamFailure) {
    var partial = ""
    for part in path.split(separator: "/") {
      partial += "/" + part
      if mkdir(partial, 0o711) != 0, errno != EEXIST {
        throw StreamFailure(.setup, "cannot make the stream directory \(partial): \(errnoText(errno))")
      }
    }
  }

  /// Makes `<id>/data`, a FIFO 0600 of the plugin's user. Blocks; for a thread of one's own.
  func makeFIFO(id: String) throws(StreamFailure) -> StreamFIFO {
    try prepare()
    let folder = path + "/" + id
    guard mkdir(folder, 0o711) == 0 else {
      throw StreamFailure(.setup, "cannot make the stream directory \(folder): \(errnoText(errno))")
    }
    // The daemon's umask must not close the folder to the plugin.
    chmod(folder, 0o711)
    let fifo = folder + "/data"
    guard mkfifo(fifo, 0o600) == 0 else {
      let number = errno
      rmdir(folder)
      throw StreamFailure(.setup, "cannot make the FIFO \(fifo): \(errnoText(number))")
    }
    // Held by O_PATH: later opens reach this very FIFO, whatever has been put in its place since.
    let opened = berth_relay_open_path(fifo)
    guard opened >= 0 else {
      unlink(fifo)
      rmdir(folder)
      throw StreamFailure(.setup, "cannot open the FIFO \(fifo): \(errnoText(-opened))")
    }
    let handle = Descriptor(opened)
    // A daemon without privilege cannot give it away. It then lets everyone in who comes that far: the plugin, which sees
    // this directory, and nobody else, since the daemon's run directory is closed to other users.
    let given =
      if let owner, geteuid() == 0 {
        berth_relay_give(handle.raw, owner)
      } else if owner != nil {
        chmod(fifo, 0o666) == 0 ? 0 : -errno
      } else {
        Int32(0)
      }
    if let owner, given < 0 {
      let number = -given
      unlink(fifo)
      rmdir(folder)
      throw StreamFailure(.setup, "cannot give the FIFO \(fifo) to user \(owner): \(errnoText(number))")
    }
    let reference = StreamReference(id: id, path: "\(inside)/\(id)/data")
    return StreamFIFO(handle: handle, folder: folder, reference: reference)
  }

  /// Removes what an earlier daemon left behind. Blocks; for a thread of one's own.
  ///
  /// - Returns: how many operations' directories were removed.
  @discardableResult
  func removeLeftovers() -> Int {
    guard let directory = opendir(path) else { return 0 }
    defer { closedir(directory) }
    let names = directoryNames(directory)
    for name in names {
      let folder = path + "/" + name
      unlink(folder + "/data")
      if rmdir(folder) != 0 { unlink(folder) }
    }
    return names.count
  }
}

/// One FIFO on disk; removed with its folder by `remove()`.
struct StreamFIFO {
  let handle: Descriptor
  let folder: String
  let reference: StreamReference

  /// Opens this FIFO (never a replacement of it); nil with errno set.
  func open(_ flags: Int32) -> Descriptor? {
    Descriptor.open("/proc/self/fd/\(handle.raw)", flags | O_NONBLOCK)
  }

  func remove() {
    unlink(folder + "/data")
    rmdir(folder)
  }
}
