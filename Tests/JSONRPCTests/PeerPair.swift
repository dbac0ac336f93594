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
