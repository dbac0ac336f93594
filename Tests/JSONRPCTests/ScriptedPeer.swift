// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import JSONRPC
import Synchronization
import TestSupport

/// One connection whose other side is the test itself, byte by byte.
final class ScriptedPeer: Sendable {
  let reactor: Reactor
  let peer: Peer
  private let toPeer: Mutex<Int32>
  private let fromPeer: Mutex<Int32>
  private let heard = Mutex<[UInt8]>([])

  init(
    handlers: PeerHandlers = PeerHandlers(), _ configure: (inout PeerConfiguration) -> Void = { _ in }
  ) throws {
    var configuration = PeerConfiguration()
    configuration.name = "script"
    configure(&configuration)
    _ = berth_ignore_sigpipe()
    reactor = try Reactor()
    let (input, output) = (Pipe(), Pipe())
    _ = berth_set_nonblocking(input.writing, 1)
    _ = berth_set_nonblocking(output.reading, 1)
    toPeer = Mutex(input.writing)
    fromPeer = Mutex(output.reading)
    peer = try Peer(
      reading: input.reading, writing: output.writing, reactor: reactor, configuration: configuration,
      handlers: handlers)
  }

  deinit {
    peer.close(.closed("the test is over"))
    closeInput()
    closeOutput()
  }

  /// Calls the test from the connection.
  func call(
    _ method: String, _ params: JSON = [:], timeout: Duration = .seconds(60), silence: Duration? = nil,
    onProgress: (@Sendable (CallProgress) -> Void)? = nil
  ) -> Task<JSON, any Error> {
    Task { [peer] in
      try await peer.call(method, params, timeout: timeout, silence: silence, onProgress: onProgress)
    }
  }

  /// Writes a line to the connection.
  func say(_ message: JSON) async { await say(message.text() + "\n") }

  /// Writes bytes to the connection; returns when all are written, or the connection reads no more.
  func say(_ text: String) async { await say(Array(text.utf8)) }

  func say(_ bytes: [UInt8]) async {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = toPeer.withLock { descriptor in
        rest.withUnsafeBytes { berth_write(descriptor, $0.baseAddress, $0.count) }
      }
      if count == -Int(EAGAIN) {
        try? await Task.sleep(for: .milliseconds(1))
      } else if count > 0 {
        rest = rest.dropFirst(count)
      } else {
        return
      }
    }
  }

  /// The next line the connection has written; nil at the end.
  func hear() async throws -> JSON? {
    while true {
      let line = heard.withLock { heard -> [UInt8]? in
        guard let end = heard.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { heard.removeSubrange(...end) }
        return Array(heard[..<end])
      }
      if let line { return try JSON.parse(line) }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = fromPeer.withLock { berth_read($0, &buffer, buffer.count) }
      if count == -Int(EAGAIN) {
        try await Task.sleep(for: .milliseconds(1))
      } else if count > 0 {
        heard.withLock { $0 += buffer[..<count] }
      } else {
        return nil
      }
    }
  }

  /// The next line, which must be a request; its id.
  func hearRequest(_ method: String) async throws -> JSON {
    guard let request = try await hear(), request["method"]?.stringValue == method, let id = request["id"] else {
      throw ScriptError()
    }
    return id
  }

  struct ScriptError: Error {}

  func answer(_ id: JSON, _ result: JSON) async { await say(["jsonrpc": "2.0", "id": id, "result": result]) }

  func refuse(_ id: JSON, _ error: JSON) async { await say(["jsonrpc": "2.0", "id": id, "error": error]) }

  func closeInput() { Self.close(toPeer) }
  func closeOutput() { Self.close(fromPeer) }

  private static func close(_ descriptor: borrowing Mutex<Int32>) {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { Glibc.close(descriptor) }
      descriptor = -1
    }
  }
}
