// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore

/// Reads a Unix connection's credentials through the channel it runs over.
enum PeerCredentials {
  /// `struct ucred` of <sys/socket.h>, which Swift's C library overlay does not show.
  private struct Ucred: Sendable {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32
  }

  /// Room for the supplementary groups SO_PEERGROUPS writes; zeros beyond what it wrote (the channel clears it first),
  /// which at worst reads as membership of root's group, whose gid is never the one looked for.
  private struct Groups: Sendable { var ids: InlineArray<256, UInt32> }

  /// SO_PEERGROUPS of <asm-generic/socket.h>.
  private static let peerGroups = NIOBSDSocket.Option(rawValue: 59)

  /// The peer of a connection to a Unix socket; nil for anything else and when the kernel does not tell.
  static func read(_ channel: any Channel) async -> Peer? {
    // On TCP the kernel answers too, with an id that is nobody's: look at the kind of address first.
    guard case .unixDomainSocket = channel.localAddress, let provider = channel as? any SocketOptionProvider else {
      return nil
    }
    let ucred: EventLoopFuture<Ucred> = provider.unsafeGetSocketOption(
      level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED))
    guard let who = try? await ucred.get(), who.uid != UInt32.max else { return nil }
    let groups: EventLoopFuture<Groups> = provider.unsafeGetSocketOption(level: .socket, name: peerGroups)
    var ids: [UInt32] = []
    // More groups than there is room for: none counts, which can only refuse.
    if let read = try? await groups.get() {
      for index in read.ids.indices where read.ids[index] != 0 { ids.append(read.ids[index]) }
    }
    return Peer(uid: who.uid, gid: who.gid, groups: ids, pid: who.pid)
  }
}
