// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import JSONRPC

/// Two connections that talk to each other over pipes.
struct PeerPair {
  let reactor: Reactor
  let left: Peer
  let right: Peer

  init(
    left leftHandlers: PeerHandlers = PeerHandlers(), right rightHandlers: PeerHandlers = PeerHandlers(),
    _ configure: (inout PeerConfiguration, inout PeerConfiguration) -> Void = { _, _ in }
  ) throws {
    var leftConfiguration = PeerConfiguration()
    var rightConfiguration = PeerConfiguration()
    leftConfiguration.name = "right"
    rightConfiguration.name = "left"
    configure(&leftConfiguration, &rightConfiguration)
    reactor = try Reactor()
    let (toLeft, toRight) = (Pipe(), Pipe())
    left = try Peer(
      reading: toLeft.reading, writing: toRight.writing, reactor: reactor, configuration: leftConfiguration,
      handlers: leftHandlers)
    right = try Peer(
      reading: toRight.reading, writing: toLeft.writing, reactor: reactor, configuration: rightConfiguration,
      handlers: rightHandlers)
  }
}

/// A pipe whose ends belong to whoever takes them.
struct Pipe {
  let reading: Int32
  let writing: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    let result = berth_pipe(&ends)
    precondition(result == 0, "no pipe: \(result)")
    reading = ends[0]
    writing = ends[1]
  }
}

/// One connection whose other side is the test itself, byte by byte.
struct ScriptedPeer {
  let reactor: Reactor
  let peer: Peer
  private let toPeer: Int32
  private let fromPeer: Int32

  init(
    handlers: PeerHandlers = PeerHandlers(), _ configure: (inout PeerConfiguration) -> Void = { _ in }
  ) throws {
    var configuration = PeerConfiguration()
    configuration.name = "script"
    configure(&configuration)
    _ = berth_ignore_sigpipe()
    reactor = try Reactor()
    let (input, output) = (Pipe(), Pipe())
    toPeer = input.writing
    fromPeer = output.reading
    peer = try Peer(
      reading: input.reading, writing: output.writing, reactor: reactor, configuration: configuration,
      handlers: handlers)
  }

  /// Writes bytes to the connection as the other side.
  func say(_ text: String) { say(Array(text.utf8)) }

  func say(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { berth_write(toPeer, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Reads the next line the connection has written; blocks, so only for what is certain to come.
  func hear() throws -> JSON {
    var line: [UInt8] = []
    while true {
      var byte: UInt8 = 0
      guard berth_read(fromPeer, &byte, 1) == 1 else { return .null }
      if byte == UInt8(ascii: "\n") { return try JSON.parse(line) }
      line.append(byte)
    }
  }

  func closeInput() { Glibc.close(toPeer) }
  func closeOutput() { Glibc.close(fromPeer) }
}
