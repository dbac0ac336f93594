// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import PluginSandbox

/// Plugins that make processes without end are held back, others are not.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)), .serialized)
struct ForkWatchTests {
  /// A plugin that makes processes as it is told, by lines on its input.
  private static let program = """
    #!/usr/bin/python3
    import os, signal, sys, time
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    def fill(refusals, seconds):
        end = time.monotonic() + seconds
        while refusals > 0 and time.monotonic() < end:
            try:
                if os.fork() == 0:
                    time.sleep(0.2)
                    os._exit(0)
            except BlockingIOError:
                refusals -= 1
    def wait_for_room(seconds):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        end, alive, made = time.monotonic() + seconds, 0, 0
        while alive or time.monotonic() < end:
            if alive < 10 and time.monotonic() < end:
                if os.fork() == 0:
                    time.sleep(0.005)
                    os._exit(0)
                alive += 1
                made += 1
            else:
                os.wait()
                alive -= 1
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print(made, flush=True)
    orders = {
        'a few': lambda: fill(3, 60), 'refused': lambda: fill(1 << 60, 3), 'counting': lambda: wait_for_room(3),
        'for ever': lambda: fill(1 << 60, 3600),
    }
    for line in sys.stdin:
        orders[line.strip()]()

    """

  private static func launch(
    _ fixture: Fixture, change: (inout LaunchPlan) -> Void
  ) async throws -> SandboxedProcess {
    fixture.write("run.py", program)
    var plan = fixture.plan("run.py", uid: 654_331)
    change(&plan)
    return try await fixture.launcher.launch(plan)
  }

  private static func order(_ text: String, _ process: SandboxedProcess) {
    let line = Array("\(text)\n".utf8)
    #expect(write(process.standardInput, line, line.count) == line.count)
  }

  private static func eventually(_ condition: () -> Bool) async -> Bool {
    await TestSupport.eventually(within: .seconds(60), condition)
  }

  /// Has it count its processes, 10 at a time for 3 s: how many it made, and whether it was held back meanwhile.
  private static func count(_ process: SandboxedProcess) async throws -> (made: UInt64, wasHeld: Bool) {
    order("counting", process)
    var made: [UInt8] = []
    var wasHeld = false
    #expect(
      await eventually {
        wasHeld = wasHeld || process.holdBack != nil
        var byte: UInt8 = 0
        while read(process.standardOutput, &byte, 1) == 1 { made.append(byte) }
        return made.last == 10
      })
    return (try #require(UInt64(String(decoding: made.dropLast(), as: UTF8.self))), wasHeld)
  }

  /// A few refusals are a program's own business; a bomb is held back while it lasts, dies at once, and one that stops
  /// gets back what it had.
  @Test func whoGoesOnAskingForProcessesIsHeldBackUntilItStops() async throws {
    let fixture = try Fixture()
    let process = try await Self.launch(fixture) { $0.limits.processes = 12 }
    let news = Mutex<[HoldBack?]>([])
    process.whenHeldBack { holdBack in news.withLock { $0.append(holdBack) } }
    let planned = process.cgroup.quota()
    #expect(planned == 20_000)

    Self.order("a few", process)
    #expect(await Self.eventually { process.cgroup.refusedProcesses() == 3 })
    await Blocking.run { _ = usleep(500_000) }
    #expect(process.holdBack == nil && process.cgroup.quota() == planned)

    Self.order("refused", process)
    #expect(await Self.eventually { process.holdBack != nil })
    #expect(process.cgroup.quota() == 1_000)
    // Told a moment after it was done.
    #expect(await Self.eventually { news.withLock { $0.count == 1 } })
    let said = try #require(news.withLock { $0.last ?? nil })
    #expect(said.limit == 12 && said.refused > 3 && said.text.contains("the 12 it may have"))
    #expect(await Self.eventually { process.holdBack == nil }, "it has stopped")
    #expect(process.cgroup.quota() == planned)
    #expect(await Self.eventually { news.withLock { $0.count == 2 && $0.last == .some(nil) } })

    // Who counts his processes is never refused one.
    let before = process.cgroup.refusedProcesses()
    let (count, wasHeld) = try await Self.count(process)
    // A slow machine (the guest) may not make so many.
    #expect(wasHeld || count < 2 * 3 * ForkWatch.rate, "\(count) made in 3 s")
    #expect(process.cgroup.refusedProcesses() == before)
    #expect(await Self.eventually { process.holdBack == nil }, "it has stopped")

    Self.order("for ever", process)
    #expect(await Self.eventually { process.holdBack != nil })
    try await process.kill(within: .seconds(20))
    #expect(process.limitHit() == .processes)
    process.close()
    #expect(process.holdBack == nil)
  }

  /// What the administrator granted is the limit, also for the watch: fewer processes than usual…
  @Test func whoIsGrantedFewProcessesIsJudgedByThose() async throws {
    let fixture = try Fixture()
    let process = try await Self.launch(fixture) { $0.permissions.runtime.processCount = 12 }
    Self.order("for ever", process)
    #expect(await Self.eventually { process.holdBack != nil })
    #expect(process.holdBack?.limit == 12)
    try await process.kill(within: .seconds(20))
    process.close()
  }

  /// … and more.
  @Test func whoIsGrantedManyProcessesIsNotJudgedByFewer() async throws {
    let fixture = try Fixture()
    let process = try await Self.launch(fixture) {
      $0.limits.processes = 12
      $0.permissions.runtime.processCount = 500
    }
    let (count, wasHeld) = try await Self.count(process)
    #expect(!wasHeld, "\(count) made in 3 s, 10 at a time")
    try await process.kill(within: .seconds(20))
    process.close()
  }
}
