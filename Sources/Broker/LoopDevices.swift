// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the kernel tells of loop devices, without opening one.
enum LoopDevices {
  /// The numbers of attached loop devices.
  static func attached() -> [UInt32] {
    var numbers: [UInt32] = []
    guard let directory = opendir("/sys/block") else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix("loop"), let number = UInt32(name.dropFirst(4)) else { continue }
      if access("/sys/block/\(name)/loop/backing_file", F_OK) == 0 { numbers.append(number) }
    }
    return numbers
  }
}
