// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import JSONRPC
import StoragePluginKit
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct SessionTests {
  static func facts(_ concurrency: Concurrency = .parallel) -> PluginFacts {
    PluginFacts(
      id: "org.berth.test", version: "1.0", profiles: ["pve-storage": ProfileRange(min: 9, max: 12)],
      concurrency: concurrency, fencing: .session)
  }

  static let status = QueryStatus.Params(storeid: "local", scfg: [:])
  static let alloc = AllocImage.Params(
    storeid: "local", scfg: [:], vmid: 100, format: "raw", volname: "100/vm-100-disk-0.raw", size: 4096)

  @Test func initializeRepeatsTheFacts() async throws {
    var plugin = StoragePlugin(Self.facts())
    plugin.on(QueryStatus.self) { _, _ in .init(total: 1, used: 0, available: 1, active: true) }
    plugin.on(ActivateStorage.self) { _, _ in .init() }
    let host = try HostSide(plugin)
    let answer = try await host.call(Initialize.self, HostSide.hello)
    #expect(answer.protocolVersion == ProtocolVersion(1, 0))
    #expect(answer.plugin == PluginInfo(id: "org.berth.test", version: "1.0"))
    #expect(answer.methods == ["activate_storage", "status"])
    #expect(answer.profiles == ["pve-storage": 12])
    #expect(answer.concurrency == .parallel)
    #expect(answer.fencing == .session)
    let again = try await #require(throws: StorageError.self) { try await host.call(Initialize.self, HostSide.hello) }
    #expect(again.code == .invalidParams)
    #expect(await host.end()?.kind == .closed)
  }

  @Test func answersAreNoLongerThanTheHostReads() async throws {
    var plugin = StoragePlugin(Self.facts())
    plugin.on(ListImages.self) { params, _ in
      let entry = ListedVolume(volname: "100/vm-100-disk-0.raw", format: "raw", size: 1, vmid: 100)
      return .init(volumes: Array(repeating: entry, count: params.limit ?? 0))
    }
    let host = try HostSide(plugin)
    var hello = HostSide.hello
    hello.limits.maxMessageBytes = 65_536
    #expect(try await host.call(Initialize.self, hello).limits?.maxMessageBytes == 4 << 20)
    let list = try await host.call(ListImages.self, .init(storeid: "local", scfg: [:], limit: 100))
    #expect(list.volumes.count == 100)
    let error = try await #require(throws: StorageError.self) {
      try await host.call(ListImages.self, .init(storeid: "local", scfg: [:], limit: 5_000))
    }
    #expect(error.code == .messageTooLarge)
    _ = await host.end()
  }

  @Test func nothingWorksBeforeInitialize() async throws {
    var plugin = StoragePlugin(Self.facts())
    plugin.on(QueryStatus.self) { _, _ in .init(total: 1, used: 0, available: 1, active: true) }
    let host = try HostSide(plugin)
    let error = try await #require(throws: StorageError.self) { try await host.call(QueryStatus.self, Self.status) }
    #expect(error.code == .notInitialized)
    #expect(error.outcome == .notStarted)
    _ = await host.end()
  }

  @Test func aHostOfAnotherAgeIsToldWhichSideIsOld() async throws {
    let host = try HostSide(StoragePlugin(Self.facts()))
    var hello = HostSide.hello
    hello.protocolVersions = ProtocolVersionRange(min: ProtocolVersion(3, 0), max: ProtocolVersion(3, 2))
    let error = try await #require(throws: StorageError.self) { try await host.call(Initialize.self, hello) }
    #expect(error.code == .unsupportedProtocol)
    #expect(error.hint == "upgrade the plugin")
    _ = await host.end()
  }

  @Test func errorsComeAsTheyAreThrown() async throws {
    struct Surprise: Error {}
    var plugin = StoragePlugin(Self.facts())
    plugin.on(QueryStatus.self) { _, _ in
      throw StorageError(.storageUnavailable, "the array is gone", outcome: .notStarted, hint: "look at its power")
    }
    plugin.on(CheckConnection.self) { _, _ in throw Surprise() }
    let host = try await HostSide.ready(plugin)
    let known = try await #require(throws: StorageError.self) { try await host.call(QueryStatus.self, Self.status) }
    #expect(
      known == StorageError(.storageUnavailable, "the array is gone", outcome: .notStarted, hint: "look at its power"))
    let unknown = try await #require(throws: StorageError.self) {
      try await host.call(CheckConnection.self, .init(storeid: "local", scfg: [:]))
    }
    #expect(unknown.code == .internalError)
    #expect(unknown.outcome == .unknown)
    let missing = try await #require(throws: StorageError.self) {
      try await host.call(DeactivateStorage.self, .init(storeid: "local", scfg: [:]))
    }
    #expect(missing.code == .methodNotFound)
    let wrong = try await #require(throws: RPCError.self) {
      try await host.peer.call("status", ["storeid": 7, "scfg": [:]], timeout: .seconds(30))
    }
    #expect(wrong.code == .invalidParams)
    #expect(wrong.data?["field"] == "/storeid")
    _ = await host.end()
  }

  @Test func unknownFeaturesAreRefused() async throws {
    var plugin = StoragePlugin(Self.facts())
    plugin.features = ["com.example/known"]
    plugin.on(QueryStatus.self) { _, _ in .init(total: 1, used: 0, available: 1, active: true) }
    let host = try await HostSide.ready(plugin)
    _ = try await host.call(QueryStatus.self, Self.status, context: .init(require: ["com.example/known"]))
    let error = try await #require(throws: StorageError.self) {
      try await host.call(QueryStatus.self, Self.status, context: .init(require: ["com.example/strange"]))
    }
    #expect(error.code == .unsupportedFeature)
    #expect(error.details["feature"] == "com.example/strange")
    _ = await host.end()
  }

  @Test func locksAreCheckedForEveryMutatingCall() async throws {
    var plugin = StoragePlugin(Self.facts())
    plugin.on(AllocImage.self) { params, _ in .init(volname: params.volname) }
    let host = try await HostSide.ready(plugin)
    let unlocked = try await #require(throws: StorageError.self) { try await host.call(AllocImage.self, Self.alloc) }
    #expect(unlocked.code == .lockRequired)
    _ = try await host.call(AllocImage.self, Self.alloc, context: .locked(token: 7, key: "a"))
    let stale = try await #require(throws: StorageError.self) {
      try await host.call(AllocImage.self, Self.alloc, context: .locked(token: 6, key: "b"))
    }
    #expect(stale.code == .staleFence)
    #expect(stale.details["seen"] == 7)
    // Another lock has tokens of its own.
    _ = try await host.call(AllocImage.self, Self.alloc, context: .locked(token: 1, key: "c", name: "storage/other"))
    _ = await host.end()
  }

  @Test func aRepeatedKeyHasTheFirstResultAndNoSecondEffect() async throws {
    let effects = Mutex(0)
    var plugin = StoragePlugin(Self.facts())
    plugin.on(AllocImage.self) { params, _ in
      effects.withLock { $0 += 1 }
      if params.size == 0 { throw StorageError(.noSpace, "full", outcome: .rolledBack) }
      return .init(volname: params.volname, size: 8192)
    }
    let host = try await HostSide.ready(plugin)
    let first = try await host.call(AllocImage.self, Self.alloc, context: .locked())
    #expect(try await host.call(AllocImage.self, Self.alloc, context: .locked(token: 2)) == first)
    #expect(effects.withLock { $0 } == 1)
    var other = Self.alloc
    other.size = 1
    let conflict = try await #require(throws: StorageError.self) {
      try await host.call(AllocImage.self, other, context: .locked(token: 3))
    }
    #expect(conflict.code == .idempotencyConflict)
    // A failure is not remembered: the same key may try again.
    other.size = 0
    for _ in 0..<2 {
      let failure = try await #require(throws: StorageError.self) {
        try await host.call(AllocImage.self, other, context: .locked(token: 4, key: "k2"))
      }
      #expect(failure.code == .noSpace)
    }
    #expect(effects.withLock { $0 } == 3)
    _ = await host.end()
  }

  @Test func aKeyThatStillRunsSaysSo() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    var plugin = StoragePlugin(Self.facts())
    plugin.on(AllocImage.self) { params, call in
      call.heartbeat()
      for await _ in gate { break }
      return .init(volname: params.volname)
    }
    let host = try await HostSide.ready(plugin)
    let isRunning = Mutex(false)
    async let first = host.call(AllocImage.self, Self.alloc, context: .locked()) { _ in
      isRunning.withLock { $0 = true }
    }
    #expect(await eventually { isRunning.withLock { $0 } })
    let error = try await #require(throws: StorageError.self) {
      try await host.call(AllocImage.self, Self.alloc, context: .locked())
    }
    #expect(error.code == .inProgress)
    open.yield()
    #expect(try await first.volname == Self.alloc.volname)
    _ = await host.end()
  }

  @Test func cancellingReachesTheHandlerAndIsAnswered() async throws {
    let began = Mutex(false)
    var plugin = StoragePlugin(Self.facts())
    plugin.on(AllocImage.self) { _, _ in
      began.withLock { $0 = true }
      do {
        try await Task.sleep(for: .seconds(600))
      } catch {
        throw StorageError(.cancelled, "gave up in time", outcome: .rolledBack)
      }
      throw StorageError(.internalError, "slept through", outcome: .unknown)
    }
    let host = try await HostSide.ready(plugin)
    let task = Task { try await host.call(AllocImage.self, Self.alloc, context: .locked()) }
    #expect(await eventually { began.withLock { $0 } })
    task.cancel()
    let error = try await #require(throws: StorageError.self) { try await task.value }
    #expect(error.code == .cancelled)
    #expect(error.outcome == .rolledBack)
    _ = await host.end()
  }

  @Test func shutdownWaitsForWhatRuns() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let began = Mutex(false)
    var plugin = StoragePlugin(Self.facts())
    plugin.on(QueryStatus.self) { _, _ in
      began.withLock { $0 = true }
      for await _ in gate { break }
      return .init(total: 1, used: 0, available: 1, active: true)
    }
    let host = try await HostSide.ready(plugin)
    async let status = host.call(QueryStatus.self, Self.status)
    #expect(await eventually { began.withLock { $0 } })
    let ended = Mutex(false)
    let shutdown = Task {
      _ = try await host.call(Shutdown.self, .init(reason: "test"))
      ended.withLock { $0 = true }
    }
    // New work is refused while the old goes on.
    #expect(
      await eventually {
        let error = await #expect(throws: StorageError.self) {
          try await host.call(CheckConnection.self, .init(storeid: "local", scfg: [:]))
        }
        return error?.code == .shuttingDown
      })
    #expect(!ended.withLock { $0 })
    open.yield()
    _ = try await status
    try await shutdown.value
    _ = await host.end()
  }

  @Test func aSerialPluginTakesOneRequestAtATime() async throws {
    let running = Mutex((now: 0, most: 0))
    var plugin = StoragePlugin(Self.facts(.serial))
    plugin.on(QueryStatus.self) { _, _ in
      running.withLock { state in
        state.now += 1
        state.most = max(state.most, state.now)
      }
      for _ in 0..<10 { await Task.yield() }
      running.withLock { $0.now -= 1 }
      return .init(total: 1, used: 0, available: 1, active: true)
    }
    let host = try await HostSide.ready(plugin)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try await host.call(QueryStatus.self, Self.status) } }
      try await group.waitForAll()
    }
    #expect(running.withLock { $0.most } == 1)
    _ = await host.end()
  }
}
