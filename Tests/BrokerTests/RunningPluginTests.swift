// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import PluginSandbox
import StorageProtocol
import TestSupport
import Testing

@testable import Broker

/// What the broker makes reaches a plugin that runs already, in its sandbox, and goes again.
@Suite(.requires(.root), .timeLimit(.minutes(3)))
struct RunningPluginTests {
  /// A plugin that tells, for each line it reads, what it sees.
  private static let script = """
    #!/bin/sh
    while read verb path; do
      case $verb in
        write) echo hello > "$path/file" && cat "$path/file" || echo failed ;;
        seen) [ -e "$path" ] && echo yes || echo no ;;
        head) head -c 4 "$path" 2>/dev/null || echo -n none; echo . ;;
        poke) printf XXXX 2>/dev/null 1<>"$path" && echo wrote || echo refused ;;
      esac
    done
    """

  private func start(_ fixture: BrokerFixture) async throws -> SandboxedProcess {
    let bundle = fixture.directory.file("bundle")
    mkdir(bundle, 0o755)
    fixture.directory.write("bundle/run.sh", Array(Self.script.utf8), mode: 0o755)
    try await fixture.broker.prepare("\(fixture.run)/s1")
    var plan = LaunchPlan(
      instance: "s1", mode: .privileged, bundle: bundle, executable: "run.sh", uid: BrokerFixture.uid)
    plan.brokerDirectory = "\(fixture.run)/s1"
    plan.permissions.devices = [DevicePermission(deviceClass: "loop", access: .readWrite)]
    let process = try await fixture.launcher.launch(plan)
    try await process.attest()
    return process
  }

  /// One line to the plugin, one line back.
  private func ask(_ process: SandboxedProcess, _ line: String) async throws -> String {
    let (input, output) = (process.standardInput, process.standardOutput)
    _ = line.withCString { write(input, $0, strlen($0)) }
    _ = write(input, "\n", 1)
    var answer: [UInt8] = []
    for _ in 0..<2_000 {
      var byte: UInt8 = 0
      let count = read(output, &byte, 1)
      if count == 1, byte == UInt8(ascii: "\n") { return String(decoding: answer, as: UTF8.self) }
      if count == 1 { answer.append(byte) } else { try await Task.sleep(for: .milliseconds(5)) }
    }
    Issue.record("no answer to \(line)")
    return ""
  }

  @Test func aMountReachesARunningPluginAndGoesAgain() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      let process = try await start(fixture)
      let answer = try await fixture.call(
        "host.mount", ["kind": "loop", "source": .string("\(fixture.data)/disk.img"), "options": ["fs": "ext4"]])
      let path = try #require(answer["path"]?.stringValue)
      #expect(try await ask(process, "write \(path)") == "hello")
      // The plugin's file is on the disk, and the plugin stays confined: attested again with the mount in place.
      #expect(try await ask(process, "seen \(path)") == "yes")
      #expect(access("\(path)/file", F_OK) == 0)
      try await process.attest()
      _ = try await fixture.call("host.unmount", ["mount": try #require(answer["mount"])])
      #expect(try await ask(process, "seen \(path)") == "no")
      try await process.kill()
      process.close()
    }
  }

  @Test func aMountThatWasThereBeforeIsThereAfterAPluginsRestart() async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      let first = try await start(fixture)
      let answer = try await fixture.call(
        "host.mount", ["kind": "loop", "source": .string("\(fixture.data)/disk.img"), "options": ["fs": "ext4"]])
      let path = try #require(answer["path"]?.stringValue)
      try await first.kill()
      first.close()
      let second = try await start(fixture)
      #expect(try await ask(second, "write \(path)") == "hello")
      try await second.kill()
      second.close()
    }
  }

  @Test(arguments: ["ro", "rw"])
  func aDeviceReachesARunningPluginWithTheGrantedAccess(_ mode: String) async throws {
    try await BrokerFixture.with { fixture in
      fixture.image()
      let process = try await start(fixture)
      let client = fixture.client("s1", sandbox: process.instance)
      let loop = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk.img")], client)
      let node = try #require(loop["device"]?.stringValue)
      // The host's own node is not there, whatever the class is called.
      #expect(try await ask(process, "head \(node)").hasPrefix("none"))
      let answer = try await fixture.call(
        "host.device.open", ["class": "loop", "name": try #require(loop["loop"]), "access": .string(mode)], client)
      let path = try #require(answer["path"]?.stringValue)
      #expect(try await ask(process, "head \(path)") != "none.")
      #expect(try await ask(process, "poke \(path)") == (mode == "rw" ? "wrote" : "refused"))
      try await process.kill()
      process.close()
    }
  }
}
