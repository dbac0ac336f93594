// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Who may use the API.
@Suite("Peers", .serialized, .timeLimit(.minutes(5)), .requires(.root), .requires(.program("setpriv")))
struct PeerTests {
  /// Asks for the version as some user and prints the HTTP status.
  private static let script = """
    import socket, sys
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try: s.connect(sys.argv[1])
    except OSError as e: print(e.strerror); sys.exit()
    s.sendall(b"GET /api/v1/version HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
    data = b""
    while part := s.recv(65536): data += part
    print(data.split()[1].decode()); print(data.decode(), file=sys.stderr)
    """

  private func ask(_ socket: String, uid: Int, gid: Int, groups: Int? = nil) async throws -> Program.Finished {
    let setpriv = try #require(Requirement.find("setpriv"))
    return await Program.run(
      setpriv,
      [
        "--reuid=\(uid)", "--regid=\(gid)", groups.map { "--groups=\($0)" } ?? "--clear-groups", "/usr/bin/python3",
        "-c", Self.script, socket,
      ])
  }

  @Test func rootAndTheGroupMayOthersAreRefused() async throws {
    let host = try await Installation()
    try await host.start("--socket-group", "games")
    var info = stat()
    #expect(stat(host.socket, &info) == 0)
    #expect(info.st_mode & 0o777 == 0o660)
    let games = getgrnam("games").pointee.gr_gid
    #expect(info.st_gid == games)

    #expect(try await ask(host.socket, uid: 0, gid: 0).text == "200")
    #expect(try await ask(host.socket, uid: 12_345, gid: 12_345).text == "Permission denied")
    #expect(try await ask(host.socket, uid: 12_345, gid: Int(games)).text == "200")
    #expect(try await ask(host.socket, uid: 12_345, gid: 12_345, groups: Int(games)).text == "200")

    // Even with the file modes out of the way the kernel's word on who connects decides.
    chmod(host.runDirectory, 0o755)
    chmod(host.socket, 0o666)
    let stranger = try await ask(host.socket, uid: 12_345, gid: 12_345)
    #expect(stranger.text == "403")
    #expect(stranger.errors.contains("application/problem+json"))
    #expect(stranger.errors.contains("12345"))
    #expect(try await ask(host.socket, uid: 12_345, gid: 12_345, groups: Int(games)).text == "200")
  }
}
