// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import JSONRPC
import PluginSandbox
import StorageProtocol
import Synchronization
import TestSupport
import Testing

@testable import PluginSupervisor

/// The positive control: a plugin that keeps the rules, under the real sandbox.
@Suite(.serialized, .requires(.root), .timeLimit(.minutes(3))) struct HonestPluginTests {
  let stage: Stage

  init() throws { stage = try Stage() }

  @Test func theFirstCallStartsItAndTypedResultsComeBack() async throws {
    let instance = try stage.instance("honest")
    #expect(await instance.status.state == .idle)
    let result = try await instance.call(QueryStatus.self, QueryStatus.Params(storeid: "local", scfg: [:]))
    #expect(result == QueryStatus.Result(total: 1000, used: 1, available: 999, active: true))
    let status = await instance.status
    #expect(status.state == .ready)
    #expect(status.protocolVersion == "1.0")
    #expect(status.epoch == 1)
    #expect(status.layers?.isSuperset(of: .requiredWhenPrivileged) == true)
    #expect(await instance.currentEpoch == 1)
    #expect((await instance.detailedStatus().score?.points ?? 0) >= 50)
    try await stage.finish(instance)
  }

  @Test func itsOwnErrorsComeThroughWithTheirOutcome() async throws {
    let instance = try stage.instance("honest")
    let error = await failure { () throws(StorageError) in try await instance.call("list_images", Stage.scfg("refuse"))
    }
    #expect(error?.code == .noSpace)
    #expect(error?.outcome == .rolledBack)
    #expect(await instance.status.state == .ready)
    try await stage.finish(instance)
  }

  @Test func theContextCarriesTheSmallestDeadline() async throws {
    let instance = try stage.instance("honest")
    var options = CallOptions(timeout: .seconds(4), lockBudget: .seconds(3))
    options.waitsForRestart = false
    let context = CallContext(idempotencyKey: "k-1", actor: "root@pam")
    let said = try await instance.call("list_images", Stage.scfg("context"), context: context, options: options)["said"]
    let timeout = said?["timeoutMs"]?.intValue ?? 0
    #expect(timeout > 0 && timeout <= 3000)
    #expect(said?["idempotencyKey"] == "k-1")
    #expect(said?["actor"] == "root@pam")
    try await stage.finish(instance)
  }

  @Test func itGetsSecretsThroughTheHostOnly() async throws {
    let services = TestServices()
    let instance = try stage.instance("honest", services: services)
    let said = try await instance.call("list_images", Stage.scfg("secret", ["name": "password"]))["said"]
    #expect(said?["value"] == "s3cret")
    let refused = try await instance.call("list_images", Stage.scfg("secret", ["name": "path"]))["said"]
    #expect(refused?["code"] == 1015)
    let orphan = try await instance.call("list_images", Stage.scfg("orphan"))["said"]
    #expect(orphan?["code"] == 1015)
    let environment = try await instance.call("list_images", Stage.scfg("environment"))["said"]
    #expect(environment?.text().contains("s3cret") == false)
    #expect(!stage.log.lines.contains { $0.contains("s3cret") })
    try await stage.finish(instance)
  }

  @Test func hostServicesNeedAGrantAndTheirParent() async throws {
    let services = TestServices()
    let instance = try stage.instance("honest", services: services) { manifest in
      manifest["concurrency"] = "serial"
    } change: { configuration in
      configuration.hostServices = [
        "host.config.read", "host.journal.get", "host.journal.put", "host.journal.delete", "host.lock.acquire",
      ]
    }
    #expect(try await instance.call("list_images", Stage.scfg("config"))["said"]?["scfg"]?["path"] == "/x")
    let journal = try await instance.call("list_images", Stage.scfg("journal"))["said"]
    #expect(journal?[0]?["value"] == "kept")
    #expect(journal?[1]?["value"] == JSON.null)
    #expect(try await instance.call("list_images", Stage.scfg("lock"))["said"]?["token"] == 7)
    #expect(services.ended.withLock { $0 } == ["list_images"], "a lock taken for a request is given back with it")
    #expect(try await instance.call("list_images", Stage.scfg("secret", ["name": "password"]))["said"]?["code"] == 1015)
    #expect(try await instance.call("list_images", Stage.scfg("unknown"))["said"]?["code"] == -32601)
    try await stage.finish(instance)
  }

  @Test func aServiceCannotCallBackIntoTheSamePlugin() async throws {
    let services = TestServices()
    let instance = try stage.instance("honest", services: services) { _ in
    } change: { configuration in
      configuration.hostServices = ["host.journal.get"]
    }
    services.target.withLock { $0 = instance }
    let said = try await instance.call("list_images", Stage.scfg("reenter"))["said"]
    #expect(said?["code"] == 1015)
    services.target.withLock { $0 = nil }
    try await stage.finish(instance)
  }

  @Test func aCancelIsAnsweredAndTheChildLivesOn() async throws {
    let instance = try stage.instance("honest")
    try await instance.start()
    let call = Task {
      await failure { () throws(StorageError) in try await instance.call("alloc_image", Stage.scfg("cancel")) }
    }
    try await Task.sleep(for: .milliseconds(100))
    call.cancel()
    let error = await call.value
    #expect(error?.code == .cancelled)
    #expect(error?.outcome == .rolledBack)
    #expect(await instance.status.epoch == 1)
    #expect(await instance.status.state == .ready)
    try await stage.finish(instance)
  }

  @Test func aDeadlineIsTheHostsErrorWithThePluginsOutcome() async throws {
    let instance = try stage.instance("honest") { _ in
    } change: {
      $0.cancelGrace = .seconds(20)
    }
    try await instance.start()
    let error = await failure { () throws(StorageError) in
      try await instance.call(
        "alloc_image", Stage.scfg("cancel"), options: CallOptions(timeout: .milliseconds(200)))
    }
    #expect(error?.code == .deadlineExceeded)
    #expect(error?.outcome == .rolledBack)
    #expect(await instance.status.epoch == 1)
    try await stage.finish(instance)
  }

  @Test func progressReachesTheCaller() async throws {
    let instance = try stage.instance("honest")
    let collected = Collected()
    _ = try await instance.call(
      "list_images", Stage.scfg("progress"),
      options: CallOptions(onProgress: { progress in
        switch progress {
        case .report(let report): collected.done.withLock { $0.append(report.done) }
        case .heartbeat: break
        }
      }))
    #expect(collected.done.withLock { $0 } == [0, 1, 2])
    try await stage.finish(instance)
  }

  @Test func stderrAndHostLogReachTheLogEscaped() async throws {
    let instance = try stage.instance("honest")
    _ = try await instance.call("list_images", Stage.scfg("log"))
    try await instance.stop(reason: "test")
    #expect(stage.log.lines.contains("hello\\u{1b}[1m"))
    try await stage.finish(instance)
  }

  @Test func callsWaitInOrderAndTheQueueIsBounded() async throws {
    let instance = try stage.instance("honest") { _ in
    } change: {
      $0.maxWaiting = 3
    }
    try await instance.start()
    let results = await withTaskGroup(of: StorageError.Code?.self) { group in
      for _ in 0..<8 {
        group.addTask {
          do throws(StorageError) {
            _ = try await instance.call("list_images", Stage.scfg("sleep", ["seconds": 0.3]))
            return nil
          } catch {
            return error.code
          }
        }
      }
      var codes: [StorageError.Code?] = []
      for await code in group { codes.append(code) }
      return codes
    }
    #expect(results.filter { $0 == nil }.count == 4)
    #expect(results.filter { $0 == .overloaded }.count == 4)
    try await stage.finish(instance)
  }

  @Test(arguments: [65_536, 8 << 20]) func itIsSentNoLongerLinesThanItReads(_ limit: Int) async throws {
    let instance = try stage.instance("limits") { $0["x-reads"] = .int(Int64(limit)) }
    func pad(_ size: Int) -> JSONObject { Stage.scfg("x", ["pad": .string(String(repeating: "x", count: size))]) }
    let fitting = try await instance.call("list_images", pad(limit - 4_096))["longest"]?.intValue ?? 0
    #expect(fitting > limit - 4_096 && fitting <= limit)
    let error = await failure { () throws(StorageError) in try await instance.call("list_images", pad(limit)) }
    #expect(error?.code == .messageTooLarge && error?.outcome == .notStarted)
    #expect(try await instance.call("list_images", pad(0))["longest"]?.intValue == fitting, "it was never sent")
    #expect(await instance.status.epoch == 1)
    try await stage.finish(instance)
  }

  @Test func itMaySendLinesAsLongAsTheHostSaidItReads() async throws {
    let instance = try stage.instance("limits") {
      $0["x-reads"] = 65_536
    } change: {
      $0.maxMessageBytes = 8 << 20
    }
    let answer = try await instance.call("list_images", Stage.scfg("x", ["size": .int(5 << 20)]))
    #expect(answer["padding"]?.stringValue?.utf8.count == 5 << 20)
    try await stage.finish(instance)
  }

  @Test func looksDoNotKeepItRunning() async throws {
    let instance = try stage.instance("honest") { _ in
    } change: {
      $0.idleLimit = .milliseconds(300)
    }
    var look = CallOptions()
    look.isUse = false
    _ = try await instance.call("list_images", Stage.scfg)
    let looked = ContinuousClock.now
    while instance.isRunning, looked.duration(to: .now) < .seconds(30) {
      _ = try await instance.call("list_images", Stage.scfg, options: look)
      try await Task.sleep(for: .milliseconds(50))
    }
    #expect(looked.duration(to: .now) < .seconds(30))
    _ = try await instance.call("list_images", Stage.scfg, options: look)
    await instance.stopIfUnused()
    #expect(!instance.isRunning, "it was started for a look only")
    _ = try await instance.call("list_images", Stage.scfg)
    await instance.stopIfUnused()
    #expect(instance.isRunning, "it is in use")
    try await stage.finish(instance)
  }

  @Test func itStopsWhenIdleAndStartsAgain() async throws {
    let instance = try stage.instance("honest") { _ in
    } change: {
      $0.idleLimit = .milliseconds(200)
    }
    #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 1)
    #expect(await eventually { await instance.status.state == .idle })
    #expect(await instance.status.crashes == 0)
    #expect(try await instance.call("list_images", Stage.scfg("state"))["said"] == 2, "its state survives")
    #expect(await instance.status.epoch == 2)
    try await stage.finish(instance)
  }

  @Test(arguments: [nil, DigestAlgorithm.crc32]) func streamsGoBothWays(_ digest: DigestAlgorithm?) async throws {
    let instance = try stage.instance("honest")
    let size = 3_000_017
    let collected = Collected()
    var params = Stage.scfg("export", ["size": .int(Int64(size))])
    params["volname"] = "100/vm-100-disk-0.raw"
    params["format"] = "raw+size"
    let (_, report) = try await instance.export(
      "volume_export", params, to: .bytes { chunk in collected.bytes.withLock { $0 += chunk } },
      stream: StreamOptions(digest: digest))
    #expect(report.bytes == Int64(size))
    #expect(collected.bytes.withLock { $0.count } == size)
    let feeder = Feed(collected.bytes.withLock { $0 }[...])
    let (reply, received) = try await instance.import(
      "volume_import", params, from: .bytes { feeder.next() }, stream: StreamOptions(digest: digest))
    #expect(reply["bytes"] == .int(Int64(size)))
    #expect(received == StreamReport(bytes: Int64(size), digest: report.digest))
    try await stage.finish(instance)
  }

  @Test func aPluginThatDiesInAnExportBreaksTheStream() async throws {
    let instance = try stage.instance("honest")
    var params = Stage.scfg("die", ["size": 4_000_000])
    params["volname"] = "100/vm-100-disk-0.raw"
    params["format"] = "raw+size"
    let collected = Collected()
    let request = params
    let error = await failure { () throws(StorageError) in
      try await instance.export(
        "volume_export", request, to: .bytes { chunk in collected.bytes.withLock { $0 += chunk } })
    }
    #expect(error?.code == .pluginCrashed)
    #expect(collected.bytes.withLock { $0.count } < 4_000_000)
    try await stage.finish(instance)
  }

  @Test func killingReturnsWhenNothingIsLeft() async throws {
    let instance = try stage.instance("honest")
    try await instance.start()
    let uid = try #require(await instance.status.uid)
    #expect(!Stage.processes(of: uid).isEmpty)
    let call = Task {
      await failure { () throws(StorageError) in
        try await instance.call("alloc_image", Stage.scfg("sleep", ["seconds": 60]))
      }
    }
    try await Task.sleep(for: .milliseconds(100))
    try await instance.kill(reason: "its lease ran out")
    #expect(Stage.processes(of: uid) == [])
    let error = await call.value
    #expect(error?.code == .pluginCrashed)
    #expect(error?.outcome == .unknown)
    #expect(error?.message.contains("its lease ran out") == true)
    try await stage.finish(instance)
  }
}

/// Shared results of callbacks.
final class Collected: Sendable {
  let done = Mutex<[Int64]>([])
  let bytes = Mutex<[UInt8]>([])
}

final class Feed: Sendable {
  private let rest: Mutex<ArraySlice<UInt8>>
  init(_ bytes: ArraySlice<UInt8>) { rest = Mutex(bytes) }
  func next() -> [UInt8]? {
    rest.withLock { rest in
      if rest.isEmpty { return nil }
      let chunk = Array(rest.prefix(100_000))
      rest = rest.dropFirst(chunk.count)
      return chunk
    }
  }
}

/// Host services over memory.
final class TestServices: HostServices {
  let journal = Mutex<[String: String]>([:])
  let ended = Mutex<[String]>([])
  let target = Mutex<PluginInstance?>(nil)
  /// What came through to the broker.
  let asked = Mutex<[Asked]>([])

  struct Asked: Sendable {
    var storeid: String?
    var holder: String
    var permissions: Permissions
  }

  func secret(_ name: String, for caller: HostServiceCaller) async throws(StorageError) -> String? { "s3cret" }

  func configuration(for caller: HostServiceCaller) async throws(StorageError) -> JSONObject { ["path": "/x"] }

  func journalValue(_ key: String, for caller: HostServiceCaller) async throws(StorageError) -> String? {
    if let target = target.withLock({ $0 }) { _ = try await target.call("list_images", Stage.scfg) }
    return journal.withLock { $0[key] }
  }

  func setJournalValue(
    _ key: String, _ value: String?, for caller: HostServiceCaller
  ) async throws(StorageError) {
    journal.withLock { $0[key] = value }
  }

  func acquireLock(
    _ request: HostLockAcquire.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockAcquire.Result {
    HostLockAcquire.Result(token: 7, ttlMs: Int64(request.ttlMs))
  }

  func renewLock(
    _ request: HostLockRenew.Params, for caller: HostServiceCaller
  ) async throws(StorageError) -> HostLockRenew.Result {
    HostLockRenew.Result(ttlMs: Int64(request.ttlMs))
  }

  func releaseLock(
    _ request: HostLockRelease.Params, for caller: HostServiceCaller
  ) async throws(StorageError) {}

  func broker(
    _ method: String, _ params: JSON, for caller: HostServiceCaller, plan: LaunchPlan, stream: HostStream?
  ) async throws(StorageError) -> JSON {
    asked.withLock { $0.append(Asked(storeid: caller.storeid, holder: plan.holder, permissions: plan.permissions)) }
    throw StorageError(.hostDenied, "no broker here", outcome: .notStarted)
  }

  func parentEnded(_ caller: HostServiceCaller) async { ended.withLock { $0.append(caller.parentMethod) } }
}
