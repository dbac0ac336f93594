// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization

/// Carries a plugin's connections to exactly the endpoints it was granted.
///
/// The listeners lie in the plugin's own network namespace; accepting and connecting happens here, in the host's. Names
/// are resolved by the host at each connection; what flows is not looked at.
final class EndpointRelay: Sendable {
  /// Connections one plugin may have open at a time.
  static let maximum = 64

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
      let ready = poll(&watched, nfds_t(watched.count), -1)
      if ready < 0 && errno != EINTR { return }
      if watched[listeners.count].revents != 0 { return }
      for (index, listener) in listeners.enumerated() where watched[index].revents != 0 {
        let connection = berth_accept(listener)
        guard connection >= 0 else { continue }
        if open.add(1, ordering: .relaxed).newValue > Self.maximum {
          open.subtract(1, ordering: .relaxed)
          close(connection)
          continue
        }
        let endpoint = endpoints[index]
        Blocking.detach { [self] in
          carry(connection, to: endpoint)
          close(connection)
          open.subtract(1, ordering: .relaxed)
        }
      }
    }
  }

  private func carry(_ connection: Int32, to endpoint: ResolvedEndpoint) {
    let remote = Self.connect(endpoint)
    guard remote >= 0 else { return }
    defer { close(remote) }
    var pumps = [Pump(from: connection, to: remote), Pump(from: remote, to: connection)]
    _ = berth_set_nonblocking(connection, 1)
    _ = berth_set_nonblocking(remote, 1)
    while pumps.contains(where: { !$0.isDone }) {
      var watched = [pollfd(fd: stopped, events: Int16(POLLIN), revents: 0)]
      for pump in pumps { watched += [pump.source, pump.sink] }
      if poll(&watched, nfds_t(watched.count), -1) < 0 && errno != EINTR { return }
      if watched[0].revents != 0 { return }
      for index in pumps.indices where !pumps[index].step() { return }
    }
  }

  /// One direction of a connection, with at most one buffer under way.
  private struct Pump {
    let from: Int32
    let to: Int32
    var pending: ArraySlice<UInt8> = []
    var atEnd = false
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
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(from, &buffer, buffer.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        if count == 0 {
          atEnd = true
          shutdown(to, Int32(SHUT_WR))
        }
        pending = buffer[..<count]
      }
      if pending.isEmpty { return true }
      let count = pending.withUnsafeBytes { send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      pending = pending.dropFirst(count)
      return true
    }
  }

  /// Connects to the endpoint from the host's network; -1 when no address answers.
  private static func connect(_ endpoint: ResolvedEndpoint) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list) == 0 else { return -1 }
    defer { freeaddrinfo(list) }
    var next = list
    while let one = next?.pointee {
      let descriptor = socket(one.ai_family, one.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), one.ai_protocol)
      if descriptor >= 0 {
        if Glibc.connect(descriptor, one.ai_addr, one.ai_addrlen) == 0 { return descriptor }
        close(descriptor)
      }
      next = one.ai_next
    }
    return -1
  }
}
