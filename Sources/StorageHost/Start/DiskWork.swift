// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation
internal import Glibc

/// File work on a thread of its own: the cooperative pool never waits for a disk.
enum DiskWork {
  private static let queue = DispatchQueue(label: "berth.host.disk")

  static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
  }

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

  /// Removes a tree; symbolic links in it are removed, not followed.
  static func removeTree(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}
