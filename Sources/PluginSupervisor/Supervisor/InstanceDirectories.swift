// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import PluginSandbox
internal import StorageProtocol

/// The directories of one instance on the host. Everything blocks: for a thread of one's own.
struct InstanceDirectories: Sendable {
  let state: String
  let streams: String
  /// Holds what the broker shows to the plugin, in `mounts` and `dev`.
  var broker: String { parent(streams) }
  /// The state as a file system of limited size, where the host can do that.
  var image: String { state + ".img" }

  init(_ settings: SupervisorSettings, name: String) {
    state = settings.stateDirectory + "/" + name
    streams = settings.runDirectory + "/" + name + "/streams"
  }

  /// The name of the instance that serves a storage: the storage's id, or one that no storage can have, since ids begin
  /// with a letter.
  static func name(of storage: SupervisedStorage) -> String {
    storage.isShared ? sharedName(storage.bundle.id) : storage.storeid
  }

  /// The name of a plugin's one process for all of its storages.
  static func sharedName(_ plugin: String) -> String { "_\(plugin)" }

  /// The name of a process for a storage that is not there yet; plugin ids do not begin with a digit either.
  static func candidateName(_ number: Int) -> String { "_0candidate-\(number)" }

  /// Makes both: the state the plugin user's own (0700) in a directory that only passes through (0711).
  func prepare(owner: UInt32?) -> StorageError? {
    for (path, mode) in [(parent(state), 0o711), (state, 0o700), (parent(streams), 0o711), (streams, 0o711)] {
      if let error = make(path, mode_t(mode)) { return error }
    }
    // Without privilege it stays the daemon's own; the sandbox's mount shows it as the plugin's.
    if let owner, geteuid() == 0, chown(state, owner, owner) != 0 {
      return failure("cannot give \(state) to user \(owner)", errno)
    }
    return nil
  }

  /// Makes the image, with what the directory held so far, or lets it grow to a bigger limit. After ``prepare(owner:)``.
  func prepareImage(size: UInt64, owner: UInt32) -> StorageError? {
    let holds = !directoryNames(at: state).isEmpty
    do throws(SandboxError) {
      try StateImage.prepare(image, size: size, owner: owner, content: holds ? state : nil)
    } catch {
      return StorageError(error)
    }
    // What was taken over is not kept twice; an image that was there already took it over before a crash.
    if holds { for name in directoryNames(at: state) { removeTree(AT_FDCWD, "\(state)/\(name)", depth: 0) } }
    return nil
  }

  /// Removes FIFOs and their folders that an earlier daemon left.
  func removeLeftovers() { StreamDirectory(path: streams, owner: nil).removeLeftovers() }

  /// Removes everything the instance had.
  func remove() {
    removeLeftovers()
    rmdir(streams)
    rmdir(parent(streams))
    removeTree(AT_FDCWD, state, depth: 0)
    unlink(image)
  }

  private func make(_ path: String, _ mode: mode_t) -> StorageError? {
    if mkdir(path, mode) == 0 {
      // Whatever the daemon's umask is.
      chmod(path, mode)
      return nil
    }
    switch errno {
    case EEXIST: return nil
    case ENOENT where parent(path) != path:
      if let error = make(parent(path), 0o711) { return error }
      return mkdir(path, mode) == 0 || errno == EEXIST ? nil : failure("cannot make \(path)", errno)
    case let number: return failure("cannot make \(path)", number)
    }
  }

  private func failure(_ what: String, _ number: Int32) -> StorageError {
    let code: StorageError.Code = number == ENOSPC || number == EDQUOT ? .noSpace : .internalError
    return StorageError(code, "\(what): \(errnoText(number))", outcome: .notStarted)
  }

  private func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  /// What a plugin wrote is removed without following its links.
  private func removeTree(_ directory: Int32, _ name: String, depth: Int) {
    guard depth < 64 else { return }
    let fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard fd >= 0, let listing = fdopendir(fd) else {
      unlinkat(directory, name, 0)
      return
    }
    for child in directoryNames(listing) { removeTree(fd, child, depth: depth + 1) }
    closedir(listing)
    unlinkat(directory, name, AT_REMOVEDIR)
  }
}
