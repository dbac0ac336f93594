// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization

/// Carries a plugin's connections to exactly the endpoints it was granted.
///
/// The listeners lie in the plugin's own network namespace; accepting and connecting happens here, in the host's. Names
/// are resolved by the host at each connection; what flows is not looked at, so TLS is between the plugin and its
/// storage. A connection that cannot be made or breaks ends with a reset, never like a clean end.
final class EndpointRelay: Sendable {
  /// Connections one plugin may have open at a time; more are reset at once.
  static let maximum = 64
  /// Bytes the kernel may hold for each direction of a connection's two sockets: beside the plugin there is no distance
  /// to bridge. Left alone it would grow them to megabytes each, for every plugin that does not read what it asked for.
  static let (nearBuffer, farBuffer) = (Int32(128 << 10), Int32(512 << 10))
  /// How long one address may take to answer, in milliseconds.
  private static let connectTimeout: Int32 = 15_000

  private let endpoints: [ResolvedEndpoint]
  private let listeners: [Int32]
  /// Readable once the relay is to end.
  private let stopped: Int32
  private let open = Atomic<Int>(0)

  /// Takes the listeners over.
  init(_ endpoints: [ResolvedEndpoint], listeners: [Int32]) {
    self.endpoints = endpoints
    self.listeners = listeners
    self.stopped = berth_eventfd_create()
    Blocking.detach { [self] in accept() }
  }

  /// Ends every connection and closes the listeners, soon. Never blocks.
  func stop() { _ = berth_eventfd_signal(stopped) }

  deinit {
    for descriptor in listeners + [stopped] where descriptor >= 0 { close(descriptor) }
  }

  private func accept() {
    var watched = (listeners + [stopped]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while true {
      if poll(&watched, nfds_t(watched.count), -1) < 0 {
        if errno == EINTR { continue }
        return
      }
      if watched[listeners.count].revents != 0 { return }
      for (index, listener) in listeners.enumerated() where watched[index].revents != 0 {
        let connection = berth_accept(listener)
        guard connection >= 0 else {
          // Without a descriptor to spare the connection stays in the queue: look again in a while, not at once.
          if [-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS].contains(connection), pause(100) { return }
          continue
        }
        if open.add(1, ordering: .relaxed).newValue > Self.maximum {
          open.subtract(1, ordering: .relaxed)
          Self.reset(connection)
          continue
        }
        let endpoint = endpoints[index]
        Blocking.detach { [self] in
          if carry(connection, to: endpoint) { close(connection) } else { Self.reset(connection) }
          open.subtract(1, ordering: .relaxed)
        }
      }
    }
  }

  /// Waits; true when the relay is to end.
  private func pause(_ milliseconds: Int32) -> Bool {
    var watched = pollfd(fd: stopped, events: Int16(POLLIN), revents: 0)
    return poll(&watched, 1, milliseconds) > 0
  }

  /// Closes a connection so that the other side sees that it was cut off.
  private static func reset(_ connection: Int32) {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    close(connection)
  }

  /// Fixes how much of a connection waits in the kernel.
  private static func bound(_ socket: Int32, _ bytes: Int32) {
    var bytes = bytes
    for option in [SO_SNDBUF, SO_RCVBUF] {
      setsockopt(socket, SOL_SOCKET, option, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// Carries both directions to their ends; false when the connection was cut off.
  private func carry(_ connection: Int32, to endpoint: ResolvedEndpoint) -> Bool {
    let remote = connect(endpoint)
    guard remote >= 0 else { return false }
    var isWhole = false
    defer { if isWhole { close(remote) } else { Self.reset(remote) } }
    var pumps = [Pump(from: connection, to: remote), Pump(from: remote, to: connection)]
    _ = berth_set_nonblocking(connection, 1)
    Self.bound(connection, Self.nearBuffer)
    while pumps.contains(where: { !$0.isDone }) {
      var watched = [pollfd(fd: stopped, events: Int16(POLLIN), revents: 0)]
      for pump in pumps { watched += [pump.source, pump.sink] }
      if poll(&watched, nfds_t(watched.count), -1) < 0 {
        if errno == EINTR { continue }
        return false
      }
      if watched[0].revents != 0 { return false }
      for index in pumps.indices where !pumps[index].step() { return false }
    }
    isWhole = true
    return true
  }

  /// One direction of a connection, with at most one buffer under way: who does not read is not read from.
  private struct Pump {
    let from: Int32
    let to: Int32
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var pending = 0..<0
    private var atEnd = false
    var isDone: Bool { atEnd && pending.isEmpty }

    init(from: Int32, to: Int32) {
      self.from = from
      self.to = to
    }

    /// What to wait for: bytes when the buffer is empty, room when it is not.
    var source: pollfd {
      pollfd(fd: pending.isEmpty && !atEnd ? from : -1, events: Int16(POLLIN), revents: 0)
    }
    var sink: pollfd { pollfd(fd: pending.isEmpty ? -1 : to, events: Int16(POLLOUT), revents: 0) }

    /// Moves what can be moved; false when the connection is broken.
    mutating func step() -> Bool {
      if pending.isEmpty, !atEnd {
        let count = recv(from, &buffer, buffer.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        if count == 0 {
          atEnd = true
          shutdown(to, Int32(SHUT_WR))
        }
        pending = 0..<count
      }
      if pending.isEmpty { return true }
      let range = pending
      let count = buffer.withUnsafeBytes {
        send(to, $0.baseAddress?.advanced(by: range.lowerBound), range.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      pending = (range.lowerBound + count)..<range.upperBound
      return true
    }
  }

  /// Connects to the endpoint from the host's network, without blocking from then on; -1 when no address answers.
  private func connect(_ endpoint: ResolvedEndpoint) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0 else { return -1 }
    defer { freeaddrinfo(list) }
    var next = list
    while let one = next?.pointee {
      next = one.ai_next
      guard let address = one.ai_addr, endpoint.mayLead(to: address) else { continue }
      let kind = one.ai_socktype | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
      let descriptor = socket(one.ai_family, kind, one.ai_protocol)
      guard descriptor >= 0 else { continue }
      Self.bound(descriptor, Self.farBuffer)
      if Glibc.connect(descriptor, address, one.ai_addrlen) == 0 { return descriptor }
      if errno == EINPROGRESS {
        var watched = [
          pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
          pollfd(fd: stopped, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&watched, 2, Self.connectTimeout)
        var problem: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size)
        if watched[1].revents == 0, watched[0].revents != 0, problem == 0 { return descriptor }
        if watched[1].revents != 0 {
          close(descriptor)
          return -1
        }
      }
      close(descriptor)
    }
    return -1
  }
}
