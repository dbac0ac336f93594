// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Synchronization
import Testing

@testable import PluginSandbox

/// Each limit stops a plugin that goes beyond it, and its name is told. Runs here and, with version 2 control groups, in
/// the guest.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)), .serialized)
struct LimitTests {
  /// Runs a Python program under changed limits; what it printed, how it ended and the limit named afterwards.
  private func run(
    _ program: String, limits: (inout ResourceLimits) -> Void
  ) async throws -> (output: String, status: PluginSandbox.ExitStatus, limit: LimitHit?) {
    let fixture = try Fixture()
    fixture.write("run.py", "#!/usr/bin/python3\nimport os, sys, time\n" + program + "\n")
    var plan = fixture.plan("run.py", uid: 654_330)
    limits(&plan.limits)
    let process = try await fixture.launcher.launch(plan)
    let output = await Fixture.drain(process.standardOutput)
    let status = await process.waitForExit()
    let limit = process.limitHit()
    try await process.kill()
    process.close()
    return (output, status, limit)
  }

  @Test func aPluginThatStaysWithinItsLimitsRanIntoNone() async throws {
    let end = try await run("x = bytearray(16 << 20); print(os.getpid())") { _ in }
    #expect(end.status == .exited(0))
    #expect(end.limit == nil)
  }

  @Test func moreMemoryThanGrantedEndsThePlugin() async throws {
    let end = try await run("x = bytearray(400 << 20)\nprint('got it')") { $0.memory = 64 << 20 }
    #expect(end.output == "")
    #expect(end.status == .signalled(SIGKILL) || end.status == .killed)
    #expect(end.limit == .memory)
  }

  /// A tool that wants too much goes alone: the plugin sees it fail and can answer.
  @Test func theMemoryLimitTakesTheGreediestProcess() async throws {
    let program = """
      child = os.fork()
      if child == 0:
          x = bytearray(400 << 20)
          os._exit(0)
      print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
      """
    let end = try await run(program) { $0.memory = 64 << 20 }
    #expect(end.output == "-9\n")
    #expect(end.status == .exited(0))
    #expect(end.limit == .memory)
  }

  @Test func moreProcessesThanGrantedCannotBeMade() async throws {
    let program = """
      made = 0
      try:
          while made < 100:
              if os.fork() == 0:
                  time.sleep(60)
              made += 1
      except BlockingIOError:
          pass
      print(made)
      """
    let end = try await run(program) { $0.processes = 20 }
    #expect(end.output.hasPrefix("19\n"))
    #expect(end.limit == .processes)
  }

  /// A few refusals are a program's own business; a bomb is held back while it lasts, dies at once, and one that stops
  /// gets back what it had.
  @Test func whoGoesOnAskingForProcessesIsHeldBackUntilItStops() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.py",
      """
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

      """)
    var plan = fixture.plan("run.py", uid: 654_331)
    plan.limits.processes = 12
    let process = try await fixture.launcher.launch(plan)
    let news = Mutex<[HoldBack?]>([])
    process.whenHeldBack { holdBack in news.withLock { $0.append(holdBack) } }
    func order(_ text: String) {
      let line = Array("\(text)\n".utf8)
      #expect(write(process.standardInput, line, line.count) == line.count)
    }
    func eventually(_ condition: () -> Bool) async -> Bool {
      for _ in 0..<600 where !condition() { await Blocking.run { _ = usleep(50_000) } }
      return condition()
    }
    let planned = process.cgroup.quota()
    #expect(planned == 20_000)

    order("a few")
    #expect(await eventually { process.cgroup.refusedProcesses() == 3 })
    await Blocking.run { _ = usleep(500_000) }
    #expect(process.holdBack == nil && process.cgroup.quota() == planned)

    order("refused")
    #expect(await eventually { process.holdBack != nil })
    #expect(process.cgroup.quota() == 1_000)
    // Told a moment after it was done.
    #expect(await eventually { news.withLock { $0.count == 1 } })
    let said = try #require(news.withLock { $0.last ?? nil })
    #expect(said.limit == 12 && said.refused > 3 && said.text.contains("the 12 it may have"))
    #expect(await eventually { process.holdBack == nil }, "it has stopped")
    #expect(process.cgroup.quota() == planned)
    #expect(await eventually { news.withLock { $0.count == 2 && $0.last == .some(nil) } })

    // Who counts his processes is never refused one.
    let before = process.cgroup.refusedProcesses()
    order("counting")
    var made: [UInt8] = []
    var wasHeld = false
    #expect(
      await eventually {
        wasHeld = wasHeld || process.holdBack != nil
        var byte: UInt8 = 0
        while read(process.standardOutput, &byte, 1) == 1 { made.append(byte) }
        return made.last == 10
      })
    // A slow machine (the guest) may not make so many.
    let count = try #require(UInt64(String(decoding: made.dropLast(), as: UTF8.self)))
    #expect(wasHeld || count < 2 * 3 * ForkWatch.rate, "\(count) made in 3 s")
    #expect(process.cgroup.refusedProcesses() == before)
    #expect(await eventually { process.holdBack == nil }, "it has stopped")

    order("for ever")
    #expect(await eventually { process.holdBack != nil })
    try await process.kill(within: .seconds(20))
    #expect(process.limitHit() == .processes)
    process.close()
    #expect(process.holdBack == nil)
  }

  @Test func moreOfTheProcessorThanGrantedIsNotGiven() async throws {
    let program = """
      # What the interpreter's own start took does not count.
      begin, before, used = time.monotonic(), time.process_time(), 0.0
      while time.monotonic() - begin < 4:
          used = time.process_time() - before
      print(used / (time.monotonic() - begin))
      """
    let end = try await run(program) { $0.cpuPercent = 10 }
    let share = try #require(Double(end.output.split(separator: "\n").first ?? ""))
    #expect(share < 0.4)
  }

  @Test func aFileLargerThanGrantedEndsThePlugin() async throws {
    let program = """
      import signal
      signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
      with open('/tmp/x', 'wb') as file:
          file.write(bytes(2 << 20))
      print('written')
      """
    let end = try await run(program) { $0.fileSize = 1 << 20 }
    #expect(end.output == "")
    #expect(end.status == .signalled(SIGXFSZ))
  }

  @Test func moreDescriptorsThanGrantedAreRefused() async throws {
    let program = """
      held = []
      try:
          while len(held) < 1000:
              held.append(os.open('/', os.O_RDONLY))
      except OSError as error:
          print(error.strerror)
      """
    let end = try await run(program) { $0.descriptors = 32 }
    #expect(end.output == "Too many open files\n")
  }

  @Test func temporarySpaceIsBounded() async throws {
    let program = """
      try:
          with open('/tmp/x', 'wb') as file:
              for _ in range(64):
                  file.write(bytes(1 << 20))
      except OSError as error:
          print(error.strerror)
      """
    let end = try await run(program) { $0.temporarySpace = 4 << 20 }
    #expect(end.output.contains("No space left on device"))
    #expect(end.limit == nil, "it went on: nothing ended it")
  }

  /// A plugin that ends for want of room: its caller is told which room.
  @Test(arguments: ["/tmp", "/state"]) func whereTheRoomWasMissingIsTold(_ place: String) async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3
      with open("\(place)/x", "wb") as file:
          for _ in range(64):
              file.write(bytes(1 << 20))
      """)
    var plan = fixture.plan("run.py", uid: 654_332)
    plan.limits.temporarySpace = 4 << 20
    if place == "/state" {
      guard StateImage.isAvailable() else { return }
      plan.stateImage = fixture.directory + "/state.img"
      try StateImage.prepare(fixture.directory + "/state.img", size: 8 << 20, owner: plan.uid)
    }
    let process = try await fixture.launcher.launch(plan)
    #expect(await process.waitForExit() == .exited(1))
    #expect(process.limitHit() == (place == "/tmp" ? .temporarySpace : .stateSpace))
    try await process.kill()
    process.close()
  }

  @Test func whoHangsWithAllItsDescriptorsOpenIsSeen() async throws {
    let fixture = try Fixture()
    let program = """
      import os, time
      try:
          while True:
              os.open("/", os.O_RDONLY)
      except OSError:
          pass
      print("full", flush=True)
      time.sleep(1000)
      """
    fixture.write("run.py", "#!/usr/bin/python3\n" + program + "\n")
    var plan = fixture.plan("run.py", uid: 654_333)
    plan.limits.descriptors = 32
    let process = try await fixture.launcher.launch(plan)
    #expect(process.limitHit() == nil)
    var first = [UInt8](repeating: 0, count: 5)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    #expect(read(process.standardOutput, &first, 5) == 5)
    #expect(process.limitHit() == .descriptors)
    try await process.kill()
    #expect(process.limitHit() == .descriptors)
    process.close()
  }

  @Test(.enabled(if: access("/sys/fs/cgroup/io.cost.qos", F_OK) == 0, "the kernel gives no shares of disks"))
  func theShareOfBusyDisksIsSet() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    var plan = fixture.plan("run.sh", uid: 654_331)
    plan.limits.ioWeight = 37
    let process = try await fixture.launcher.launch(plan)
    let path = (SmallFile.read("/proc/\(process.pid)/cgroup") ?? "").split(separator: ":").last ?? ""
    let weight = SmallFile.read("/sys/fs/cgroup\(path.prefix { $0 != "\n" })/io.weight")
    #expect(weight == "default 37\n")
    try await process.kill()
    process.close()
  }
}
