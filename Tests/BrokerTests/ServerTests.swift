// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// The same through the long-lived launcher, which lives in a small mount namespace of its own.
@Suite(.requires(.root), .timeLimit(.minutes(2)))
struct ServerTests {
  /// Runs the body against a launcher server that may write below `writable` only.
  static func serving(
    _ writable: String, _ more: [String] = [], _ body: (BrokerFixture) async throws -> Void
  ) async throws {
    let place = TemporaryDirectory(prefix: "berth-server")
    let program = "\(BrokerFixture.products)/berth-launcher"
    let socket = place.file("socket")
    let arguments = [program, "--server", socket, "--writable", writable] + more
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    let pid = berth_spawn(program, &argv, &environment, -1, -1, 2, 0)
    try #require(pid > 0)
    defer {
      kill(pid, SIGTERM)
      waitpid(pid, nil, 0)
    }
    for _ in 0..<500 where access(socket, F_OK) != 0 { try await Task.sleep(for: .milliseconds(10)) }
    let fixture = BrokerFixture(transport: .server(socket: socket))
    do { try await body(fixture) } catch {
      await fixture.close()
      throw error
    }
    await fixture.close()
    #expect(fixture.mounted == [])
  }

  private func mount(_ fixture: BrokerFixture) async throws(StorageError) -> JSONObject {
    try await fixture.broker.prepare("\(fixture.run)/s1")
    return try await fixture.call(
      "host.mount", ["kind": "loop", "source": .string("\(fixture.data)/disk.img"), "options": ["fs": "ext4"]])
  }

  @Test func aMountOfTheServersWorkerIsTheHosts() async throws {
    try await Self.serving("/tmp") { fixture in
      fixture.image()
      let answer = try await mount(fixture)
      #expect(fixture.mounted.contains(try #require(answer["path"]?.stringValue)))
    }
  }

  @Test func theServersWorkersStreamSubvolumes() async throws {
    try await Self.serving("/tmp") { fixture in
      try await Pool.on(fixture) { pool in
        try pool.make("vm")
        try pool.change("vm")
        let increment = try await pool.sent(["vm@two"], base: "vm@one")
        try await pool.receive(try await pool.sent(["vm@one"]), as: "copy@one")
        try await pool.receive(increment, as: "copy@two", base: "copy@one")
        #expect(pool.areEqual("vm@two", "copy@two"))
      }
    }
  }

  @Test func theServersOwnDirectoriesBindTheWorkerToo() async throws {
    try await Self.serving("/srv/berth-test-nowhere") { fixture in
      fixture.image()
      let error = await #expect(throws: StorageError.self) { try await mount(fixture) }
      #expect(error?.message.contains("--writable") == true, "\(String(describing: error))")
    }
  }
}
