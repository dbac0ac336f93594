// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
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
    let allocator = UIDAllocator(path: path, range: 600_000..<600_002) { uid in alive.withLock { $0.contains(uid) } }
    let a = try await allocator.uid(plugin: "p", storage: "a")
    try await allocator.release(plugin: "p", storage: "a")
    let b = try await allocator.uid(plugin: "p", storage: "b")
    #expect(a != b)
    let full = await #expect(throws: SandboxError.self) { _ = try await allocator.uid(plugin: "p", storage: "c") }
    #expect(full?.code == .uidsExhausted)
    alive.withLock { $0 = [] }
    #expect(try await allocator.uid(plugin: "p", storage: "c") == a)
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
