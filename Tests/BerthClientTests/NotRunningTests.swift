// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import ManagementTypes
import Testing

@testable import BerthClient

@Suite("A daemon that is not there", .timeLimit(.minutes(1)))
struct NotRunningTests {
  private func failure(_ socket: String) async -> ClientError? {
    do {
      _ = try await BerthClient.with(socket: socket) { client throws(ClientError) in try await client.version() }
      return nil
    } catch { return error }
  }

  private func temporaryPath() -> String { "/tmp/berth-client-\(UInt32.random(in: 0 ... .max))" }

  @Test func aMissingSocketIsSaidToBeMissing() async throws {
    let error = try #require(await failure("/nonexistent/berth.sock"))
    #expect(error.code == .notRunning)
    #expect(error.place == "/nonexistent/berth.sock")
    #expect(error.hint.contains("berthd"))
  }

  @Test func aSocketWithoutListenerIsSaidToBeStale() async throws {
    let path = temporaryPath()
    let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    #expect(bound == 0)
    close(fd)
    defer { unlink(path) }
    let error = try #require(await failure(path))
    #expect(error.code == .notRunning)
    #expect(error.message.contains("nobody listens"))
  }

  @Test func anOrdinaryFileIsNoDaemon() async throws {
    let path = temporaryPath()
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    defer { unlink(path) }
    let error = try #require(await failure(path))
    #expect(error.code == .notRunning)
  }

  @Test func anImpossiblePathIsNoCrash() async throws {
    let error = try #require(await failure("/" + String(repeating: "x", count: 300)))
    #expect(error.place.utf8.count == 301)
  }
}
