// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc
internal import JSONRPC
internal import ManagementTypes
internal import Synchronization

/// Where clients lend the daemon the descriptor at their end of a stream, so that the kernel moves its bytes past both.
///
/// A client connects to the desk's socket and sends one byte with one descriptor; the answer is a line: a ticket of 32
/// hexadecimal digits, or `error: …`. The ticket stands for the descriptor in one request. The loan lasts as long as the
/// connection: a client that closes it, or dies, ends the transfer.
final class DescriptorDesk: Sendable {
  /// Who is at the desk, by the descriptor of its connection.
  private struct Visit {
    let peer: Peer
    var registration: Reactor.Registration?
    var timer: Reactor.Timer?
    var ticket: String?
    var lent: LentDescriptor?
  }

  private struct State {
    var visits: [Int32: Visit] = [:]
    var waiting: [String: LentDescriptor] = [:]
  }

  /// Connections at a time.
  static let mostVisits = 256
  /// How long a connection may be there without a descriptor.
  static let patience: Duration = .seconds(10)

  private let reactor: Reactor
  private let policy: PeerPolicy
  private let state = Mutex(State())

  init(policy: PeerPolicy) throws {
    self.policy = policy
    reactor = try Reactor(name: "berth-desk")
  }

  /// Listens at the socket until ``close()``; its group may connect as to the management socket.
  func open(_ socket: ManagementSocket) throws {
    try socket.prepare()
    let listener = berth_listen(socket.path, 64)
    guard listener >= 0 else {
      throw SocketError(
        .path, "cannot listen for descriptors: \(text(-listener))", path: socket.path, hint: "check --run-dir")
    }
    do {
      try socket.open()
      _ = try reactor.register(listener, for: .readable) { [self] _, events in
        if events.contains(.shutdown) { Glibc.close(listener) } else { accept(from: listener) }
      }
    } catch {
      Glibc.close(listener)
      throw error
    }
  }

  /// Takes every loan back and ends.
  func close() async { await reactor.shutdown() }

  /// The descriptor a ticket stands for; each can be asked for once, by the user who lent it.
  func take(_ ticket: String, by peer: Peer) throws(Problem) -> LentDescriptor {
    let lent = state.withLock { state -> LentDescriptor? in
      guard let lent = state.waiting[ticket], lent.uid == peer.uid else { return nil }
      state.waiting[ticket] = nil
      return lent
    }
    guard let lent else {
      throw Problem(
        status: 404, symbol: "NO_SUCH_DESCRIPTOR", detail: "no descriptor waits under that ticket", place: "descriptor",
        hint: "keep the connection to the descriptor socket open until the transfer has ended; each ticket serves once")
    }
    return lent
  }

  // MARK: On the I/O thread

  private func accept(from listener: Int32) {
    while true {
      let connection = berth_accept(listener)
      guard connection >= 0 else { return }
      _ = berth_set_nonblocking(connection, 1)
      guard let peer = Self.peer(of: connection), policy.allows(peer) else {
        refuse(connection, "you may not use berthd: ask to be added to the group \(policy.group)")
        continue
      }
      let isFull = state.withLock { state in
        guard state.visits.count < Self.mostVisits else { return true }
        state.visits[connection] = Visit(peer: peer)
        return false
      }
      guard !isFull else {
        refuse(connection, "\(Self.mostVisits) descriptors are lent already: try again later")
        continue
      }
      watch(connection)
    }
  }

  private func watch(_ connection: Int32) {
    let timer = reactor.schedule(after: Self.patience) { [self] in
      let isIdle = state.withLock { $0.visits[connection].map { $0.lent == nil && $0.ticket == nil } ?? false }
      if isIdle { leave(connection) }
    }
    do {
      let registration = try reactor.register(connection, for: .readable) { [self] _, events in
        if events.contains(.shutdown) { leave(connection) } else { serve(connection) }
      }
      state.withLock { state in
        state.visits[connection]?.registration = registration
        state.visits[connection]?.timer = timer
      }
    } catch {
      leave(connection)
    }
  }

  /// A first message lends; whatever comes later, its end as a rule, takes back.
  private func serve(_ connection: Int32) {
    guard let visit = state.withLock({ $0.visits[connection] }), visit.ticket == nil else { return leave(connection) }
    var byte: UInt8 = 0
    var raw: Int32 = -1
    var count: Int32 = 1
    let got = berth_receive_descriptors(connection, &byte, 1, &raw, &count)
    if got == -Int(EAGAIN) { return }
    guard got == 1, count == 1 else {
      if count == 1 { Glibc.close(raw) }
      if got != 0 { answer(connection, "error: send one byte with one descriptor\n") }
      return leave(connection)
    }
    let lent = LentDescriptor(raw, uid: visit.peer.uid)
    if let objection = LentDescriptor.objection(to: raw) {
      answer(connection, "error: berthd does not move bytes through this descriptor: \(objection)\n")
      return leave(connection)
    }
    let ticket = Self.makeTicket()
    state.withLock { state in
      state.visits[connection]?.ticket = ticket
      state.visits[connection]?.lent = lent
      state.waiting[ticket] = lent
    }
    if !answer(connection, ticket + "\n") { leave(connection) }
  }

  private func leave(_ connection: Int32) {
    let visit = state.withLock { state in
      if let ticket = state.visits[connection]?.ticket { state.waiting[ticket] = nil }
      return state.visits.removeValue(forKey: connection)
    }
    guard let visit else { return }
    if let timer = visit.timer { reactor.cancel(timer) }
    if let registration = visit.registration { reactor.deregister(registration) }
    Glibc.close(connection)
    visit.lent?.takeBack()
  }

  private func refuse(_ connection: Int32, _ why: String) {
    answer(connection, "error: \(why)\n")
    Glibc.close(connection)
  }

  /// A line into an empty socket buffer never waits.
  @discardableResult
  private func answer(_ connection: Int32, _ line: String) -> Bool {
    let bytes = Array(line.utf8)
    return bytes.withUnsafeBytes { berth_send_descriptors(connection, $0.baseAddress, $0.count, nil, 0) } == bytes.count
  }

  private static func peer(of connection: Int32) -> Peer? {
    var who = berth_credentials()
    guard berth_peer_credentials(connection, &who) == 0 else { return nil }
    var groups = [gid_t](repeating: 0, count: 256)
    var count = Int32(groups.count)
    // More groups than there is room for: none counts, which can only refuse.
    if berth_peer_groups(connection, &groups, &count) < 0 { count = 0 }
    return Peer(uid: who.uid, gid: who.gid, groups: Array(groups.prefix(Int(count))), pid: who.pid)
  }

  private static func makeTicket() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let half = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - half.count) + half
    }.joined()
  }
}
