// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// A descriptor that closes itself.
struct Descriptor: ~Copyable {
  private var number: Int32

  init(_ number: Int32) { self.number = number }

  var value: Int32 { number }

  /// Gives the descriptor away.
  consuming func take() -> Int32 {
    let taken = number
    number = -1
    return taken
  }

  deinit { if number >= 0 { close(number) } }

  /// The result of a shim that returns a descriptor or a negative errno.
  static func checked(_ result: Int32, _ what: String) throws(SandboxError) -> Descriptor {
    guard result >= 0 else {
      throw SandboxError(.systemFailure, "\(what) failed", errno: -result)
    }
    return Descriptor(result)
  }
}

/// A pair of connected descriptors.
struct DescriptorPair: ~Copyable {
  var first: Descriptor
  var second: Descriptor

  /// `first` reads what is written to `second`.
  static func pipe() throws(SandboxError) -> DescriptorPair {
    var ends: (Int32, Int32) = (-1, -1)
    let result = withUnsafeMutablePointer(to: &ends) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { berth_pipe($0) }
    }
    guard result >= 0 else { throw SandboxError(.systemFailure, "a pipe could not be made", errno: -result) }
    return DescriptorPair(first: Descriptor(ends.0), second: Descriptor(ends.1))
  }

  /// Two ends of a Unix socket that keeps message boundaries.
  static func socket() throws(SandboxError) -> DescriptorPair {
    var ends: (Int32, Int32) = (-1, -1)
    let result = withUnsafeMutablePointer(to: &ends) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { berth_socketpair($0, 1) }
    }
    guard result >= 0 else { throw SandboxError(.systemFailure, "a socket pair could not be made", errno: -result) }
    return DescriptorPair(first: Descriptor(ends.0), second: Descriptor(ends.1))
  }
}
