// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import TestSupport
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
  @Test func missingRoomForTemporaryFilesIsTold() async throws {
    let limit = try await Self.filled("/tmp") { $0.limits.temporarySpace = 4 << 20 }
    #expect(limit == .temporarySpace)
  }

  @Test(.enabled(if: StateImage.isAvailable(), "needs loop devices and mkfs.ext4"))
  func missingRoomForTheStateIsTold() async throws {
    let fixture = try Fixture()
    let image = fixture.directory + "/state.img"
    let limit = try await Self.filled("/state") {
      $0.stateImage = image
      try StateImage.prepare(image, size: 8 << 20, owner: $0.uid)
    }
    #expect(limit == .stateSpace)
  }

  /// The limit that is named when a plugin fails because this place is full.
  private static func filled(_ place: String, change: (inout LaunchPlan) throws -> Void) async throws -> LimitHit? {
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
    try change(&plan)
    let process = try await fixture.launcher.launch(plan)
    #expect(await process.waitForExit() == .exited(1))
    let limit = process.limitHit()
    try await process.kill()
    process.close()
    return limit
  }

  /// Memory that was swapped out counts as well, and a limit that cannot be set is no limit: only a kernel without it may
  /// do without.
  @Test(arguments: ["memory.memsw.limit_in_bytes", "memory.swap.max", "io.weight", "io.bfq.weight"])
  func aLimitThatCannotBeSetMeansThatThePluginNeverStarts(_ file: String) async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh", uid: 654_334))
    let leaves = ControlGroups.leaves(scope: fixture.launcher.scope)
    let path = leaves.map { $0 + "/" + file }.first { access($0, F_OK) == 0 }
    let values = ["memory.memsw.limit_in_bytes": "\(process.plan.limits.memory)\n", "memory.swap.max": "0\n"]
    if let path, let value = values[file] { #expect(SmallFile.read(path) == value) }
    try await process.kill()
    process.close()
    guard path != nil else { return }  // this kernel has none, and the plugin started
    for (number, isFatal) in [(EACCES, true), (ENOENT, false)] {
      let program = try await Self.build(without: file, errno: number, in: fixture.directory)
      let launcher = Launcher(transport: .program(path: program), scope: "\(fixture.launcher.scope)-\(number)")
      do throws(SandboxError) {
        let process = try await launcher.launch(fixture.plan("run.sh", uid: 654_334))
        try await process.kill()
        process.close()
        #expect(!isFatal, "started although \(file) could not be written")
      } catch {
        #expect(isFatal && error.code == .stepFailed && error.step?.hasSuffix(file) == true, "\(error)")
      }
      try await launcher.removeLeftovers()
    }
  }

  /// The launcher, from its own sources, on a kernel where opening that control file fails.
  private static func build(without file: String, errno number: Int32, in directory: String) async throws -> String {
    let (program, header) = ("\(directory)/launcher-\(number)", "\(directory)/refusal-\(number).h")
    let text = """
      #define _GNU_SOURCE
      #include <errno.h>
      #include <fcntl.h>
      #include <string.h>
      #include <unistd.h>
      #define openat(directory, path, ...) \\
        (strcmp((path), "\(file)") == 0 && faccessat((directory), (path), F_OK, 0) == 0 \\
             ? (errno = \(number), -1) : openat((directory), (path), __VA_ARGS__))

      """
    let output = try #require(fopen(header, "w"))
    fputs(text, output)
    fclose(output)
    let sources = "\(HostilePlugin.sources)/../../Sources"
    let built = await Blocking.run {
      system(
        """
        cc -std=gnu17 -O0 -w -static -include \(header) -I\(sources)/berth-launcher -I\(sources)/CShims/include \
        -o \(program) \(sources)/berth-launcher/*.c
        """)
    }
    try #require(built == 0, "the launcher without \(file) does not compile")
    return program
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

  /// By cost or by the scheduler BFQ, which stock kernels have as a module.
  static let givesShares =
    SmallFile.read("/sys/fs/cgroup/cgroup.controllers")?.contains("io") == true
    && (access("/sys/fs/cgroup/io.cost.qos", F_OK) == 0 || access("/sys/module/bfq", F_OK) == 0)

  @Test(
    .enabled(if: givesShares, "the kernel gives no shares of disks"),
    arguments: [(1, 1), (37, 37), (100, 100), (10_000, 1_000)] as [(UInt32, Int)])
  func theShareOfBusyDisksIsSet(_ weight: UInt32, _ bfqWeight: Int) async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nsleep 1000\n")
    var plan = fixture.plan("run.sh", uid: 654_331)
    plan.limits.ioWeight = weight
    let process = try await fixture.launcher.launch(plan)
    let path = (SmallFile.read("/proc/\(process.pid)/cgroup") ?? "").split(separator: ":").last ?? ""
    let group = "/sys/fs/cgroup\(path.prefix { $0 != "\n" })"
    let (byCost, byBFQ) = (SmallFile.read(group + "/io.weight"), SmallFile.read(group + "/io.bfq.weight"))
    #expect(byCost == nil || byCost == "default \(weight)\n")
    #expect(byBFQ == nil || byBFQ?.hasSuffix("\(bfqWeight)\n") == true, "\(byBFQ ?? "")")
    #expect(byCost != nil || byBFQ != nil)
    try await process.kill()
    process.close()
  }
}
