// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import PluginSandbox

@Suite(
  .enabled(if: Fixture.isRoot && StateImage.isAvailable(), "needs root, loop devices and mkfs.ext4"),
  .timeLimit(.minutes(3)), .serialized)
struct StateImageTests {
  static let uid: UInt32 = 654_600

  private func plan(_ fixture: Fixture, _ script: String, size: UInt64 = 16 << 20) throws -> LaunchPlan {
    let image = fixture.directory + "/state.img"
    try StateImage.prepare(image, size: size, owner: Self.uid)
    fixture.write("run.sh", "#!/bin/sh\n\(script)\n")
    var plan = fixture.plan("run.sh", uid: Self.uid)
    plan.stateImage = image
    return plan
  }

  private func run(
    _ fixture: Fixture, _ plan: LaunchPlan
  ) async throws -> (output: String, status: PluginSandbox.ExitStatus) {
    let process = try await fixture.launcher.launch(plan)
    let output = await Fixture.drain(process.standardOutput)
    let status = await process.waitForExit()
    try await process.kill()
    process.close()
    return (output, status)
  }

  @Test func theStateLastsAndItsSizeIsALimit() async throws {
    let fixture = try Fixture()
    let fill = "echo kept > /state/a; dd if=/dev/zero of=/state/b bs=1M count=64 2>&1; ls -ln /state/a"
    let first = try await run(fixture, try plan(fixture, fill))
    #expect(first.output.contains("No space left on device"), "\(first.output)")
    #expect(first.output.contains(" \(Self.uid) "), "\(first.output)")
    // The host's disk holds no more than the image.
    var status = stat()
    #expect(stat(fixture.directory + "/state.img", &status) == 0 && status.st_blocks * 512 <= 17 << 20)
    let use = "cat /state/a; rm /state/b; echo more > /state/c && cat /state/c"
    let second = try await run(fixture, try plan(fixture, use))
    #expect(second.output == "kept\nmore\n")
  }

  @Test func aFullDiskIsCalledThatAndNothingIsLeft() throws {
    let fixture = try Fixture()
    let disk = fixture.directory + "/disk"
    mkdir(disk, 0o700)
    try #require(mount("none", disk, "tmpfs", 0, "size=32k") == 0)
    defer { umount2(disk, Int32(MNT_DETACH)) }
    let error = #expect(throws: SandboxError.self) {
      try StateImage.prepare(disk + "/state.img", size: 64 << 20, owner: Self.uid)
    }
    #expect(error?.errno == ENOSPC, "\(String(describing: error))")
    #expect(access(disk + "/state.img", F_OK) != 0 && access(disk + "/state.img.new", F_OK) != 0)
  }

  @Test func inodesEndTooAndOthersAreNoneTheWorse() async throws {
    let fixture = try Fixture()
    let script = "i=0; while [ $i -lt 20000 ]; do : > /state/$i || break; i=$((i+1)); done 2>&1; echo made $i"
    let result = try await run(fixture, try plan(fixture, script))
    #expect(result.output.contains("No space left on device"), "\(result.output.suffix(200))")
    let other = try await fixture.run("echo fine > /state/x; cat /state/x")
    #expect(other.output == "fine\n")
  }

  @Test func aBiggerLimitMakesRoomAndNothingIsLost() async throws {
    let fixture = try Fixture()
    _ = try await run(fixture, try plan(fixture, "echo kept > /state/a"))
    let more = "dd if=/dev/zero of=/state/b bs=1M count=30 2>/dev/null && cat /state/a"
    let grown = try await run(fixture, try plan(fixture, more, size: 64 << 20))
    #expect(grown.output == "kept\n")
  }

  @Test func twoInstancesNeverShareAnImage() async throws {
    let fixture = try Fixture()
    let plan = try plan(fixture, "echo ready; read line")
    let holder = try await fixture.launcher.launch(plan)
    let error = await #expect(throws: SandboxError.self) { _ = try await fixture.launcher.launch(plan) }
    #expect(error?.step?.contains("in use") == true, "\(String(describing: error))")
    #expect(error?.hint?.contains("earlier instance") == true)
    try await holder.attest()
    try await holder.kill()
    holder.close()
    // Now it is free again.
    let next = try await fixture.launcher.launch(plan)
    try await next.kill()
    next.close()
  }

  @Test func theContentOfADirectoryIsTakenOver() async throws {
    let fixture = try Fixture()
    let old = fixture.directory + "/old"
    mkdir(old, 0o700)
    system("echo before > \(old)/file; chown -R \(Self.uid):\(Self.uid) \(old)")
    try StateImage.prepare(fixture.directory + "/state.img", size: 16 << 20, owner: Self.uid, content: old)
    let result = try await run(fixture, try plan(fixture, "cat /state/file; echo after > /state/file; cat /state/file"))
    #expect(result.output == "before\nafter\n")
  }

  @Test func noLoopDeviceIsLeftBehind() async throws {
    let fixture = try Fixture()
    for _ in 0..<5 { _ = try await run(fixture, try plan(fixture, "echo x > /state/x")) }
    for _ in 0..<200 where Self.isAttached(fixture.directory) { await Blocking.run { _ = usleep(20_000) } }
    #expect(!Self.isAttached(fixture.directory))
  }

  @Test func whichLimitEndedAPluginIsTold() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3
      import signal
      signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
      with open("/state/x", "wb") as file:
          file.write(bytes(4 << 20))
          file.flush()
      """)
    var plan = fixture.plan("run.py", uid: Self.uid)
    plan.limits.fileSize = 1 << 20
    let process = try await fixture.launcher.launch(plan)
    _ = await process.waitForExit()
    #expect(process.exitStatus() == .signalled(SIGXFSZ))
    #expect(process.limitHit() == .fileSize)
    try await process.kill()
    process.close()
  }

  @Test func forksBeyondTheLimitAreTold() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3
      import os, time
      try:
          while os.fork():
              pass
      except OSError:
          os._exit(9)
      time.sleep(1000)
      """)
    let process = try await fixture.launcher.launch(fixture.plan("run.py", uid: Self.uid + 1))
    _ = await process.waitForExit()
    #expect(process.limitHit() == .processes)
    try await process.kill()
    process.close()
  }

  /// Whether some loop device has a file below that directory.
  private static func isAttached(_ directory: String) -> Bool {
    (0..<256).contains { (SmallFile.read("/sys/block/loop\($0)/loop/backing_file") ?? "").hasPrefix(directory) }
  }
}
