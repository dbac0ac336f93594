// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Testing

@testable import PluginSandbox

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)))
struct LaunchTests {
  @Test func aPluginRunsWithEveryLayerAndItsOutputArrives() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\necho hello from $(id -u)\nread line\necho got $line\nexit 3\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    #expect(process.layers == .privileged)
    try await process.attest()
    #expect(process.score().points == 100, "\(process.score().deductions)")
    #expect(write(process.standardInput, "ping\n", 5) == 5)
    let output = await Fixture.drain(process.standardOutput)
    #expect(output == "hello from 654321\ngot ping\n")
    let status = await process.waitForExit()
    #expect(status == .exited(3))
    try await process.kill()
    process.close()
  }

  /// What a plugin leaves to the sandbox's init is as confined, but its first three descriptors are its own affair.
  @Test func anOrphanWithoutPipesIsNoFault() async throws {
    let fixture = try Fixture()
    fixture.write(
      "run.sh",
      """
      #!/bin/sh
      (sh -c 'exec sleep 1000 </dev/null >/dev/null 2>&1' &)
      echo ready
      read line
      """)
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    _ = berth_set_nonblocking(process.standardOutput, 0)
    var ready = [UInt8](repeating: 0, count: 6)
    #expect(read(process.standardOutput, &ready, 6) == 6)
    for _ in 0..<500 where ObservedProcess(pid: process.pid)?.children?.count != 2 {
      await Blocking.run { _ = usleep(20_000) }
    }
    #expect(ObservedProcess(pid: process.pid)?.children?.count == 2)
    try await process.attest()
    #expect(!"\(process.score().deductions)".contains("descriptor"), "\(process.score().deductions)")
    try await process.kill()
    process.close()
  }

  /// A quick plugin, or a slow host: the pipes are kept where nothing that the plugin starts can touch them.
  @Test func aPluginThatHasPutItsPipesAwayIsNoFault() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/bash\nexec 7<&0 8>&1 0</dev/null 1>&2\necho ready >&8\nread -u 7 line\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh"))
    _ = berth_set_nonblocking(process.standardOutput, 0)
    var ready = [UInt8](repeating: 0, count: 6)
    #expect(read(process.standardOutput, &ready, 6) == 6)
    try await process.attest()
    try await process.kill()
    process.close()
  }

  @Test func onlyTheGrantedFileSystemIsVisible() async throws {
    let fixture = try Fixture()
    let result = try await fixture.run(
      "ls /; echo --; ls /dev /etc; echo --; cat /proc/1/status; ls /root /home; echo x > /x")
    #expect(result.output.hasPrefix("bin\ndev\netc\nlib\n"), "\(result.output)")
    #expect(!result.output.contains("root"))
    #expect(result.errors.contains("/proc/1/status: No such file"))
    #expect(result.errors.contains("Read-only file system"))
  }

  /// Packages are installed while plugins start: `ldconfig` puts a new file in the place of one that is about to be
  /// mounted.
  @Test func aFileThatIsReplacedMeanwhileDoesNotKeepThePluginFromStarting() async throws {
    let fixture = try Fixture()
    let file = fixture.directory + "/granted"
    system("echo one > \(file); chmod 644 \(file)")
    for _ in 0..<30 {
      // Once a start, at some moment of it. No child process: it would hold the script that is written meanwhile open.
      let replacing = Task.detached {
        try? await Task.sleep(for: .microseconds(Int.random(in: 0...8_000)))
        guard let new = fopen(file + ".new", "we") else { return }
        fputs("one\n", new)
        fchmod(fileno(new), 0o644)
        fclose(new)
        rename(file + ".new", file)
      }
      let result = try await fixture.run("cat \(file)") {
        $0.permissions.files = [FilePermission(path: file, access: .readOnly)]
      }
      #expect(result.output == "one\n")
      await replacing.value
    }
  }

  @Test func anAskedForProcShowsItsOwnProcessesAndNothingToWriteTo() async throws {
    let fixture = try Fixture()
    fixture.write("run.sh", "#!/bin/sh\nread go; read line < /proc/self/comm; echo $line; ls /proc/sys /proc/kcore\n")
    var plan = fixture.plan("run.sh")
    plan.permissions.runtime.procSelf = true
    let process = try await fixture.launcher.launch(plan)
    // The script waits: while it reads another file its descriptor 0 is not the one it was given.
    try await process.attest()
    #expect(write(process.standardInput, "go\n", 3) == 3)
    #expect(await Fixture.drain(process.standardOutput) == "run.sh\n")
    try await process.kill()
    process.close()
  }
}
