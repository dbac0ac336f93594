// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ClusterLocks

@Suite struct TokenFileTests {
  @Test func `a second service on one directory is refused`() async throws {
    try await withDirectory { directory in
      let first = try EmbeddedLocks(directory: directory)
      let error = #expect(throws: LockError.self) { try EmbeddedLocks(directory: directory) }
      #expect(error?.code == .inUse)
      #expect(error?.message.contains(directory) == true)
      withExtendedLifetime(first) {}
    }
  }

  @Test(arguments: ["", "garbage", "berth-fencing-tokens 1 5 0\n", "berth-fencing-tokens 2 5 5\n", "\0\0\0\0"])
  func `a damaged file stops the service`(content: String) async throws {
    try await withDirectory { directory in
      let file = try #require(fopen("\(directory)/tokens", "w"))
      fputs(content, file)
      fclose(file)
      let error = #expect(throws: LockError.self) { try EmbeddedLocks(directory: directory) }
      #expect(error?.code == .corrupt)
    }
  }

  @Test func `no token is handed out that is not below the bound on the disk`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      let lease = try await locks.acquire(.test(.config))
      await locks.release(lease)
      locks.close()
      // The file is read through a second handle only after the first service has let go of the directory.
      let bound = try await boundOnDisk(directory)
      #expect(lease.token.rawValue < bound)
      #expect(bound == 1 + TokenFile.step)
    }
  }

  @Test func `a range that is used up is continued without a gap in service`() {
    var range = TokenRange(next: 5, bound: 7)
    #expect(range.take() == FencingToken(rawValue: 5))
    #expect(range.take() == FencingToken(rawValue: 6))
    #expect(range.take() == nil)
    range.extend(to: 9)
    #expect(range.take() == FencingToken(rawValue: 7))
  }

  @Test func `locks wait for tokens and are served when the disk answers`() async throws {
    try await withDirectory { directory in
      let locks = try EmbeddedLocks(directory: directory)
      locks.state.withLock { $0.tokens = TokenRange(next: $0.tokens.bound, bound: $0.tokens.bound) }
      let before = locks.state.withLock { $0.tokens.bound }
      let lease = try await locks.acquire(.test(.config))
      #expect(lease.token.rawValue >= before)
      await locks.release(lease)
    }
  }

  private func boundOnDisk(_ directory: String) async throws -> UInt64 {
    let file = try #require(fopen("\(directory)/tokens", "r"))
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 200)
    fgets(&buffer, 200, file)
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return try #require(UInt64(text.split(separator: " ")[2]))
  }
}

/// What happens when no more tokens can be made durable.
@Suite(.timeLimit(.minutes(2))) struct TokensOnFullDiskTests {
  @Test(.requires(.root)) func `a full disk stops new locks only when the reserve is used up, and says so`()
    async throws
  {
    try await withDirectory { directory in
      guard mount("tmpfs", directory, "tmpfs", 0, "size=64k") == 0 else {
        // A container's root may not mount: nothing to test on then.
        #expect(errno == EPERM)
        return
      }
      defer { umount2(directory, CInt(MNT_DETACH)) }
      let locks = try EmbeddedLocks(directory: directory)
      let filler = open("\(directory)/filler", O_WRONLY | O_CREAT, 0o600)
      let block = [UInt8](repeating: 7, count: 512)
      while write(filler, block, block.count) > 0 {}
      close(filler)
      let last = locks.state.withLock { state in
        state.tokens = TokenRange(next: state.tokens.bound - 1, bound: state.tokens.bound)
        return state.tokens.next
      }
      let lease = try await locks.acquire(.test(.config))
      #expect(lease.token.rawValue == last)
      await locks.release(lease)
      let error = await #expect(throws: LockError.self) { try await locks.acquire(.test(.config)) }
      #expect(error?.code == .tokensUnavailable)
      #expect(error?.message.contains("\(directory)/tokens") == true)
      #expect(await locks.list().isEmpty)
      unlink("\(directory)/filler")
      let next = try await locks.acquire(.test(.config))
      #expect(next.token > lease.token)
      await locks.release(next)
    }
  }
}
