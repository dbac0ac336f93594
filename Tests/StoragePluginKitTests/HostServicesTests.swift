// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StoragePluginKit
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct HostServicesTests {
  static func plugin(
    _ body: @escaping @Sendable (PluginCall) async throws -> String
  ) -> StoragePlugin {
    var plugin = StoragePlugin(SessionTests.facts())
    plugin.on(GetIdentity.self) { _, call in .init(identity: try await body(call)) }
    return plugin
  }

  static func ask(_ host: HostSide) async throws -> String {
    try await host.call(GetIdentity.self, .init(storeid: "local", scfg: [:]), context: .init(timeoutMs: 30_000))
      .identity
  }

  @Test func aSecretIsServedToTheRequestThatAsks() async throws {
    let host = try await HostSide.ready(
      Self.plugin { call in try await call.host.secret("password") ?? "none" })
    let parents = Mutex<[Int64]>([])
    host.serve(HostSecretGet.self) { params in
      parents.withLock { $0.append(params.parent) }
      return .init(value: params.name == "password" ? "hunter2" : nil)
    }
    #expect(try await Self.ask(host) == "hunter2")
    #expect(parents.withLock { $0.count } == 1)
    _ = await host.end()
  }

  @Test func whatTheHostDeniesFailsTheCallByName() async throws {
    let host = try await HostSide.ready(
      Self.plugin { call in
        let answer = try await call.host(
          HostMount.self, .init(parent: call.host.parent, kind: .nfs, source: "server:/export"))
        return answer.path
      })
    let error = try await #require(throws: StorageError.self) { try await Self.ask(host) }
    #expect(error.code == .hostDenied)
    #expect(error.message.contains("host.mount"))
    _ = await host.end()
  }

  @Test func theJournalAndLocksGoThroughTheHost() async throws {
    let host = try await HostSide.ready(
      Self.plugin { call in
        try await call.host.withLock("pool") { token in
          try await call.host.setJournal("last", "token \(token)")
          let value = try await call.host.journal("last")
          try await call.host.setJournal("last", nil)
          return value ?? "nothing"
        }
      })
    let journal = Mutex<[String: String]>([:])
    let held = Mutex<[Int64]>([])
    host.serve(HostLockAcquire.self) { params in
      held.withLock { $0.append(42) }
      return .init(token: 42, ttlMs: Int64(params.ttlMs))
    }
    host.serve(HostLockRelease.self) { params in
      held.withLock { $0.removeAll { $0 == params.token } }
      return .init()
    }
    host.serve(HostJournalPut.self) { params in
      journal.withLock { $0[params.key] = params.value }
      return .init()
    }
    host.serve(HostJournalGet.self) { params in .init(value: journal.withLock { $0[params.key] }) }
    host.serve(HostJournalDelete.self) { params in
      journal.withLock { $0[params.key] = nil }
      return .init()
    }
    #expect(try await Self.ask(host) == "token 42")
    #expect(held.withLock { $0.isEmpty })
    #expect(journal.withLock { $0.isEmpty })
    _ = await host.end()
  }

  @Test func logLinesAreNotificationsWithTheirRequest() async throws {
    let host = try await HostSide.ready(
      Self.plugin { call in
        call.host.log(.warning, "two\nlines", fields: ["pool": "fast"])
        return "logged"
      })
    #expect(try await Self.ask(host) == "logged")
    #expect(await eventually { host.notifications.all.withLock { !$0.isEmpty } })
    let (method, params) = try #require(host.notifications.all.withLock { $0.first })
    #expect(method == "host.log")
    let line = try HostLog.Params(json: params)
    #expect(line.level == .warning)
    #expect(line.message == "two\\u{a}lines")
    #expect(line.fields == ["pool": "fast"])
    #expect(line.parent != nil)
    _ = await host.end()
  }
}
