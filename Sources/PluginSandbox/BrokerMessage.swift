// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// An operation in the worker's own form; cleared when it goes, for it may hold a password.
struct BrokerMessage: ~Copyable {
  private let raw: UnsafeMutablePointer<bb_request>

  init(_ operation: BrokerOperation, seconds: UInt32) throws(SandboxError) {
    // Never NULL: it aborts when memory is out.
    raw = bb_request_make(operation.kind.rawValue, operation.verb, operation.flags.rawValue)!
    guard operation.size >= 0, operation.offset >= 0 else {
      throw SandboxError(.invalidPlan, "a negative size or offset")
    }
    (raw.pointee.uid, raw.pointee.gid, raw.pointee.seconds) = (operation.uid, operation.uid, seconds)
    (raw.pointee.size, raw.pointee.offset) = (UInt64(operation.size), UInt64(operation.offset))
    (raw.pointee.major, raw.pointee.minor, raw.pointee.number) = (operation.major, operation.minor, operation.number)
    raw.pointee.root = try text(operation.location.root)
    raw.pointee.path = try text(operation.location.path)
    raw.pointee.root2 = try text(operation.second.root)
    raw.pointee.path2 = try text(operation.second.path)
    raw.pointee.place = try text(operation.place)
    raw.pointee.name = try text(operation.name)
    raw.pointee.node = try text(operation.node)
    raw.pointee.source = try text(operation.source)
    raw.pointee.type = try text(operation.type)
    raw.pointee.target = try text(operation.target)
    raw.pointee.label = try text(operation.label)
    raw.pointee.vg = try text(operation.vg)
    raw.pointee.lv = try text(operation.lv)
    raw.pointee.other = try text(operation.other)
    raw.pointee.pool = try text(operation.pool)
    for option in operation.options {
      try check(bb_request_option(raw, try text(option.key), try text(option.value)), "too many mount options")
    }
    for argument in operation.arguments {
      try check(bb_request_argument(raw, try text(argument)), "too many arguments")
    }
  }

  deinit { bb_request_free(raw) }

  /// A file that nobody can change any more.
  borrowing func seal() throws(SandboxError) -> Descriptor {
    try Descriptor.checked(bb_request_seal(raw), "sealing the broker request")
  }

  private borrowing func text(_ string: String) throws(SandboxError) -> UInt32 {
    var copy = string
    let offset = copy.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        characters.baseAddress.map { bb_request_text(raw, $0, UInt32(characters.count)) } ?? 0
      }
    }
    if offset == -Int64(EINVAL) { throw SandboxError(.invalidPlan, "a NUL character in a broker argument") }
    if offset < 0 { throw SandboxError(.invalidPlan, "the operation's texts exceed \(BB_POOL) bytes") }
    return UInt32(offset)
  }

  private borrowing func check(_ result: Int32, _ message: String) throws(SandboxError) {
    if result < 0 { throw SandboxError(.invalidPlan, message) }
  }
}
