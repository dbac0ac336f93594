// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import PluginSandbox

@Suite struct UIDAllocatorTests {
  @Test func aPairKeepsItsIdAcrossRestartsAndNobodyElseGetsIt() async throws {
    let fixture = try Fixture()
    let path = fixture.directory + "/uids.json"
    let first = UIDAllocator(path: path)
    let a = try await first.uid(plugin: "p", storage: "a")
    let b = try await first.uid(plugin: "p", storage: "b")
    #expect(a == 600_000 && b == 600_001)
    let second = UIDAllocator(path: path)
    #expect(try await second.uid(plugin: "p", storage: "b") == b)
    #expect(try await second.uid(plugin: "q", storage: "a") == 600_002)
    #expect(try await second.uid(plugin: "p", storage: "a") == a)
  }

  @Test func aReturnedIdComesLastAndNeverWhileAProcessHasIt() async throws {
    let fixture = try Fixture()
    let alive = Mutex<Set<UInt32>>([600_000])
    let path = fixture.directory + "/uids.json"
    let allocator = UIDAllocator(path: path, range: 600_000..<600_002) { alive.withLock { $0 } }
    let a = try await allocator.uid(plugin: "p", storage: "a")
    try await allocator.release(plugin: "p", storage: "a")
    let b = try await allocator.uid(plugin: "p", storage: "b")
    #expect(a != b)
    let full = await #expect(throws: SandboxError.self) { _ = try await allocator.uid(plugin: "p", storage: "c") }
    #expect(full?.code == .uidsExhausted)
    alive.withLock { $0 = [] }
    #expect(try await allocator.uid(plugin: "p", storage: "c") == a)
  }

  @Test func manyAtOnceGetDifferentIds() async throws {
    let fixture = try Fixture()
    let allocator = UIDAllocator(path: fixture.directory + "/uids.json")
    let ids = try await withThrowingTaskGroup(of: UInt32.self) { group in
      for number in 0..<64 { group.addTask { try await allocator.uid(plugin: "p", storage: "s\(number % 32)") } }
      return try await group.reduce(into: [UInt32]()) { $0.append($1) }
    }
    #expect(Set(ids).count == 32)
    let again = UIDAllocator(path: fixture.directory + "/uids.json")
    for number in 0..<32 { #expect(ids.contains(try await again.uid(plugin: "p", storage: "s\(number)"))) }
  }

  /// The look at the machine itself: an id whose sandbox still has a process is not handed out.
  @Test(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"))
  func aLivingSandboxKeepsItsId() async throws {
    let fixture = try Fixture()
    let uid: UInt32 = 664_901
    let allocator = UIDAllocator(path: fixture.directory + "/uids.json", range: uid..<(uid + 1))
    #expect(try await allocator.uid(plugin: "p", storage: "a") == uid)
    fixture.write("run.sh", "#!/bin/sh\nread line\n")
    let process = try await fixture.launcher.launch(fixture.plan("run.sh", uid: uid))
    try await allocator.release(plugin: "p", storage: "a")
    let error = await #expect(throws: SandboxError.self) { _ = try await allocator.uid(plugin: "p", storage: "b") }
    #expect(error?.code == .uidsExhausted)
    try await process.kill()
    process.close()
    #expect(try await allocator.uid(plugin: "p", storage: "b") == uid)
  }

  /// A start that hangs in its set-up is root's still, but its group keeps the id; in whatever hierarchies there are.
  @Test(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"))
  func aPopulatedGroupKeepsItsIdWhoeverRunsInIt() async throws {
    let fixture = try Fixture()
    let uid: UInt32 = 664_902
    let allocator = UIDAllocator(path: fixture.directory + "/uids.json", range: uid..<(uid + 1))
    #expect(try await allocator.uid(plugin: "p", storage: "a") == uid)
    try await allocator.release(plugin: "p", storage: "a")
    // Not every hierarchy takes a process into a group that nobody has set up (cpuset).
    let names = ["", "/unified", "/pids", "/freezer", "/memory"].map { "/sys/fs/cgroup\($0)" }
    let hierarchies = names.filter { ControlGroups.hierarchies.contains($0) }
    #expect(!hierarchies.isEmpty)
    for hierarchy in hierarchies {
      let leaf = "\(hierarchy)/berth/\(fixture.launcher.scope)/a-1.\(uid).4711.1"
      let line = "mkdir -p \(leaf) && { sleep 1000 >/dev/null 2>&1 & echo $! >\(leaf)/cgroup.procs; }"
      try #require(await Blocking.run { system(line) } == 0, "\(hierarchy) takes no group")
      #expect(UsedIDs.ofProcesses()?.contains(uid) == false, "positive control: nobody has the id")
      let error = await #expect(throws: SandboxError.self) { _ = try await allocator.uid(plugin: "p", storage: "b") }
      #expect(error?.code == .uidsExhausted, "\(hierarchy)")
      for pid in (SmallFile.read("\(leaf)/cgroup.procs") ?? "").split(separator: "\n") {
        if let pid = pid_t(pid), pid > 1 { kill(pid, SIGKILL) }
      }
      #expect(await eventually { rmdir(leaf) == 0 || errno == ENOENT })
    }
    #expect(try await allocator.uid(plugin: "p", storage: "b") == uid)
  }

  @Test func aDamagedTableIsRefusedNotReplaced() async throws {
    let fixture = try Fixture()
    let path = fixture.directory + "/uids.json"
    for text in ["", "{", "{\"slots\":[{\"slot\":0},{\"slot\":0}]}", "[]"] {
      let file = fopen(path, "w")
      fputs(text, file)
      fclose(file)
      let error = await #expect(throws: SandboxError.self) {
        _ = try await UIDAllocator(path: path).uid(plugin: "p", storage: "a")
      }
      #expect(error?.code == .stateUnusable)
    }
  }
}
