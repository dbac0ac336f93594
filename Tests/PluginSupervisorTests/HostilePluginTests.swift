// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import JSONRPC
import StorageProtocol
import TestSupport
import Testing

@testable import PluginSupervisor

/// Plugins that break the rules, under the real sandbox: each ends with the right error and leaves nothing behind.
@Suite(.serialized, .requires(.root), .timeLimit(.minutes(5))) struct HostilePluginTests {
  let stage: Stage

  init() throws { stage = try Stage() }

  private func callFails(
    _ script: String, method: String = "list_images", timeout: Duration = .seconds(30),
    change: (inout InstanceConfiguration) -> Void = { _ in }
  ) async throws -> (StorageError?, PluginInstance) {
    let instance = try stage.instance(script, change: change)
    // Where the handshake works the call's time is the call's alone, however slow the machine starts things.
    _ = try? await instance.start()
    let error = await failure { () throws(StorageError) in
      try await instance.call(method, Stage.scfg, options: CallOptions(timeout: timeout))
    }
    return (error, instance)
  }

  // MARK: The handshake

  @Test func silenceInTheHandshakeEndsIt() async throws {
    let (error, instance) = try await callFails("silent") { $0.handshakeTimeout = .milliseconds(500) }
    #expect(error?.code == .deadlineExceeded)
    #expect(error?.message.contains("initialize") == true)
    #expect(error?.outcome == .notStarted)
    try await stage.finish(instance)
  }

  @Test(arguments: ["liar", "other_methods"]) func factsThatDifferFromTheManifestAreRefused(
    _ script: String
  ) async throws {
    let (error, instance) = try await callFails(script)
    #expect(error?.code == .manifestInvalid)
    #expect(error?.message.contains(script == "liar" ? "9.9.9" : "volume_snapshot") == true)
    try await stage.finish(instance)
  }

  @Test func aVersionNobodyOfferedIsRefused() async throws {
    let (error, instance) = try await callFails("future")
    #expect(error?.code == .unsupportedProtocol)
    try await stage.finish(instance)
  }

  @Test func aProfileVersionNobodyOfferedIsRefused() async throws {
    let (error, instance) = try await callFails("profile")
    #expect(error?.code == .unsupportedProtocol)
    #expect(error?.message.contains("chose version 999") == true, "\(error?.message ?? "")")
    try await stage.finish(instance)
  }

  @Test func otherFramingIsNamed() async throws {
    let (error, instance) = try await callFails("lsp")
    #expect(error?.code == .protocolViolation || error?.code == .pluginCrashed)
    #expect(error?.message.contains("Content-Length") == true)
    try await stage.finish(instance)
  }

  @Test func crashesPauseAndThenQuarantine() async throws {
    let instance = try stage.instance("crash_loop")
    var codes: [StorageError.Code?] = []
    for _ in 0..<6 {
      let error = await failure { () throws(StorageError) in try await instance.call("list_images", Stage.scfg) }
      codes.append(error?.code)
      #expect(error?.outcome == .notStarted)
      #expect(error?.message.contains("cannot find my library") == true)
    }
    #expect(
      codes == [.pluginCrashed, .pluginCrashed, .pluginCrashed, .pluginCrashed, .pluginCrashed, .pluginQuarantined])
    #expect(await instance.status.state == .quarantined)
    #expect(await instance.status.crashes == 5)
    #expect(await instance.status.lastEnd?.contains("exited with status 127") == true)
    await instance.release()
    #expect(await instance.status.state == .idle)
    try await stage.finish(instance)
  }

  @Test func withoutWaitingAPauseIsAnErrorWithItsLength() async throws {
    let instance = try stage.instance("dies") { _ in
    } change: {
      $0.restart = RestartPolicy(firstDelay: .seconds(60))
    }
    _ = await failure { () throws(StorageError) in try await instance.call("list_images", Stage.scfg) }
    #expect(await instance.status.state == .backoff)
    let error = await failure { () throws(StorageError) in
      try await instance.call("list_images", Stage.scfg, options: CallOptions(timeout: .seconds(2)))
    }
    #expect(error?.code == .pluginCrashed)
    #expect(error?.outcome == .notStarted)
    #expect(error?.retry.class == .backoff)
    #expect((error?.retry.afterMs ?? 0) > 30_000)
    try await stage.finish(instance)
  }

  // MARK: In a call

  @Test func dyingInACallQuotesItsLastWords() async throws {
    let (error, instance) = try await callFails("dies", method: "alloc_image")
    #expect(error?.code == .pluginCrashed)
    #expect(error?.outcome == .unknown)
    #expect(error?.details["exit"] == 3)
    #expect(error?.message.contains("fatal: pool \\u{1b}[1mgone") == true)
    #expect(stage.log.lines.contains("opening the pool"))
    try await stage.finish(instance)
  }

  @Test func aReadThatDiesChangedNothing() async throws {
    let (error, instance) = try await callFails("dies", method: "list_images")
    #expect(error?.outcome == .notStarted)
    try await stage.finish(instance)
  }

  @Test func endingByASignalIsNamed() async throws {
    let (error, instance) = try await callFails("segfault")
    #expect(error?.code == .pluginCrashed)
    #expect(error?.details["signal"] == 11)
    try await stage.finish(instance)
  }

  @Test(arguments: ["mute", "deaf"]) func whoIgnoresTheCancelIsEnded(_ script: String) async throws {
    let (error, instance) = try await callFails(script, method: "alloc_image", timeout: .milliseconds(800))
    #expect(error?.code == .deadlineExceeded)
    #expect(error?.outcome == .unknown)
    // The error came only when nothing was left.
    #expect([.backoff, .idle].contains(await instance.status.state))
    #expect(await instance.status.crashes == 1)
    try await stage.finish(instance)
  }

  @Test func cancellingACallThatIgnoresItEndsTheChild() async throws {
    let instance = try stage.instance("mute")
    try await instance.start()
    let call = Task {
      await failure { () throws(StorageError) in try await instance.call("alloc_image", Stage.scfg) }
    }
    try await Task.sleep(for: .milliseconds(50))
    call.cancel()
    #expect(await call.value?.code == .cancelled)
    #expect(await instance.status.crashes == 1)
    try await stage.finish(instance)
  }

  @Test func silenceInALongCallCountsAsHung() async throws {
    let instance = try stage.instance("mute") { _ in
    } change: {
      $0.heartbeatInterval = .milliseconds(100)
    }
    let error = await failure { () throws(StorageError) in
      try await instance.call("volume_export", Stage.scfg, options: CallOptions(timeout: .seconds(60)))
    }
    #expect(error?.code == .deadlineExceeded)
    #expect(await instance.status.crashes == 1)
    try await stage.finish(instance)
  }

  @Test func twoStrayLinesAreForgivenAndLogged() async throws {
    let instance = try stage.instance("chatty")
    #expect(try await instance.call("list_images", Stage.scfg)["total"] == 1000)
    #expect(stage.log.lines.contains { $0.contains("Loading...") })
    try await stage.finish(instance)
  }

  @Test(arguments: ["garbage", "oversize"]) func brokenMessagesEndIt(_ script: String) async throws {
    let (error, instance) = try await callFails(script)
    #expect(error?.code == (script == "garbage" ? .protocolViolation : .messageTooLarge), "\(error?.message ?? "")")
    if script == "garbage" { #expect(error?.message.contains("debug: line") == true) }
    #expect(await instance.status.crashes == 1)
    try await stage.finish(instance)
  }

  @Test func anAnswerTooDeepIsNoAnswer() async throws {
    let (error, instance) = try await callFails("deep", timeout: .seconds(1))
    #expect(error?.code == .deadlineExceeded)
    #expect(error?.message.contains("1 of the lines it wrote were no acceptable messages") == true)
    try await stage.finish(instance)
  }

  @Test func aSecondAnswerIsCountedAndIgnored() async throws {
    let instance = try stage.instance("twice")
    for _ in 0..<3 { #expect(try await instance.call("list_images", Stage.scfg)["total"] == 1000) }
    let counters = await instance.status.counters
    #expect(counters.duplicateAnswers + counters.lateAnswers >= 2)
    #expect(counters.unknownAnswers >= 2)
    try await instance.stop(reason: "test")
    #expect(await instance.status.counters.unknownAnswers >= counters.unknownAnswers, "they outlive the child")
    try await stage.finish(instance)
  }

  @Test func aWrongResultIsTheHostsErrorAndTheChildLives() async throws {
    let instance = try stage.instance("wrong_result")
    let error = await failure { () throws(StorageError) in
      try await instance.call(QueryStatus.self, QueryStatus.Params(storeid: "local", scfg: [:]))
    }
    #expect(error?.code == .resultInvalid)
    #expect(error?.details["field"] == "/total")
    #expect(await instance.status.state == .ready)
    try await stage.finish(instance)
  }

  @Test(arguments: ["closes_stdin", "closes_stdout"]) func aClosedPipeEndsIt(_ script: String) async throws {
    let (error, instance) = try await callFails(script)
    #expect(error?.code == .pluginCrashed)
    #expect(await instance.status.pid == nil)
    try await stage.finish(instance)
  }

  @Test func aGrandchildOnItsOutputGoesWithIt() async throws {
    let (error, instance) = try await callFails("grandchild")
    #expect(error?.code == .pluginCrashed)
    try await stage.finish(instance)
  }

  @Test func aFloodOfNotificationsCostsOnlyItsOwnCall() async throws {
    let (error, instance) = try await callFails("flood_stdout", timeout: .seconds(2))
    #expect(error?.code == .deadlineExceeded)
    let other = try stage.instance("twice")
    #expect(try await other.call("list_images", Stage.scfg)["total"] == 1000)
    try await other.close(reason: "done")
    try await stage.finish(instance)
  }

  @Test func aFloodOnStderrIsDrainedAndSuppressed() async throws {
    let instance = try stage.instance("flood_stderr")
    // A second's work; on a machine that has little time for it, many.
    let options = CallOptions(timeout: .seconds(120))
    #expect(try await instance.call("list_images", Stage.scfg, options: options)["total"] == 1000)
    try await instance.stop(reason: "test")
    #expect(stage.log.lines.count < 8192)
    #expect(stage.log.lines.contains { $0.hasPrefix("suppressed ") })
    try await stage.finish(instance)
  }

  @Test func whoDoesNotStopIsKilled() async throws {
    let instance = try stage.instance("deaf") { _ in
    } change: {
      $0.shutdownTimeout = .milliseconds(300)
    }
    try await instance.start()
    try await instance.stop(reason: "test")
    #expect([.idle, .backoff].contains(await instance.status.state))
    try await stage.finish(instance)
  }

  @Test func aClosedInstanceRefusesCalls() async throws {
    let instance = try stage.instance("honest")
    try await instance.close(reason: "test")
    let error = await failure { () throws(StorageError) in try await instance.call("list_images", Stage.scfg) }
    #expect(error?.code == .shuttingDown)
    #expect(error?.outcome == .notStarted)
    try await stage.finish(instance)
  }

  @Test func noDescriptorIsLeftAfterManyStarts() async throws {
    let instance = try stage.instance("honest")
    _ = try await instance.call("list_images", Stage.scfg)
    try await instance.stop(reason: "test")
    let before = listing("/proc/self/fd").count
    let starts = 20
    for _ in 0..<starts {
      _ = try await instance.call("list_images", Stage.scfg)
      try await instance.stop(reason: "test")
    }
    // Other suites run beside this one: their descriptors come and go, ours would only come, one a start at least.
    #expect(await eventually { listing("/proc/self/fd").count < before + starts })
    try await stage.finish(instance)
  }
}
