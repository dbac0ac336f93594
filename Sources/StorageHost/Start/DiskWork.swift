// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Small file work at start, before anything runs beside it.
enum DiskWork {
  /// Makes a directory and its parents.
  /// - Returns: what went wrong, or nil.
  static func makeDirectories(_ path: String, mode: mode_t) -> String? {
    var partial = ""
    for part in path.split(separator: "/") {
      partial += "/" + part
      if mkdir(partial, mode) != 0, errno != EEXIST {
        return "cannot make the directory \(partial): \(String(cString: strerror(errno)))"
      }
    }
    return nil
  }
}
