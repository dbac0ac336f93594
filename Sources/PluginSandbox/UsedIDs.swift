// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The user ids under which something runs on this machine.
enum UsedIDs {
  /// Both kinds together, nil when one cannot be looked at. Reads all of `/proc` and all control groups: rarely needed.
  static func find() -> Set<UInt32>? {
    guard let processes = ofProcesses(), let groups = ofGroups() else { return nil }
    return processes.union(groups)
  }

  /// Ids that a process has: real, effective, saved or for files.
  static func ofProcesses() -> Set<UInt32>? {
    guard let names = DirectoryNames.read("/proc") else { return nil }
    return names.compactMap { Int32($0) }.reduce(into: []) { found, pid in
      found.formUnion(ObservedProcess(pid: pid)?.ids("Uid") ?? [])
    }
  }

  /// Ids whose control group something runs in, whatever id it has there: a start that hangs is still root's.
  ///
  /// Groups are known by their names, whichever daemon or launcher made them and wherever its part of the tree is.
  static func ofGroups(below root: String = "/sys/fs/cgroup") -> Set<UInt32>? {
    guard let names = DirectoryNames.read(root) else { return access(root, F_OK) == 0 ? nil : [] }
    var found: Set<UInt32> = []
    for name in names {
      let path = "\(root)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
      if let uid = InstanceName.uid(of: name), isPopulated(path) { found.insert(uid) }
      // One that is gone by now holds nobody.
      guard let below = ofGroups(below: path) else { return nil }
      found.formUnion(below)
    }
    return found
  }

  private static func isPopulated(_ path: String) -> Bool {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return errno != ENOENT }
    defer { close(directory) }
    return Cgroup.isPopulated(directory)
  }
}

/// What a directory holds.
enum DirectoryNames {
  /// All names but `.` and `..`; nil when it cannot be read.
  static func read(_ path: String) -> [String]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
