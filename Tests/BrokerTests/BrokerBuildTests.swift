// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageProtocol
import TestSupport
import Testing

@testable import PluginSandbox

/// The workers' own sources, built so that what they must not do ends them: then an operation fails that must not, or
/// one is refused with another code than it should be.
@Suite(.requires(.root), .requires(.program("mkfs.btrfs")), .timeLimit(.minutes(10)), .serialized)
struct BrokerBuildTests {
  /// A directory with this launcher and a worker of that build.
  private static func build(_ options: String, more: String = "") async throws -> TemporaryDirectory {
    let directory = TemporaryDirectory(prefix: "berth-broker")
    chmod(directory.path, 0o755)
    writeFile(directory.file("more.c"), Array(more.utf8))
    let sources = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Sources"
    let built = await Blocking.run {
      system(
        """
        cp \(BrokerFixture.products)/berth-launcher \(directory.path)/ &&
        cc -std=gnu17 -w -g -O1 -I\(sources)/CShims/include \(options) -o \(directory.file("berth-broker")) \
        \(sources)/berth-broker/*.c \(sources)/CShims/*.c \(directory.file("more.c"))
        """)
    }
    try #require(built == 0, "the worker does not compile with \(options)")
    return directory
  }

  static let sanitizers = [
    "-static -fsanitize=undefined -fsanitize-undefined-trap-on-error",
    "-fsanitize=address,undefined -fno-sanitize-recover=all",
  ]

  @Test(arguments: sanitizers) func theWorkersRunUnderTheSanitizers(_ options: String) async throws {
    let directory = try await Self.build(options)
    try await BrokerFixture.$products.withValue(directory.path) {
      let mounts = LoopAndMountTests()
      try await mounts.aFileBecomesALoopDeviceAndStopsBeingOne()
      for type in ["ext4", "btrfs"] { try await mounts.aFileSystemInAFileIsMountedWhereTheHostChooses(type) }
      try await mounts.aNewDaemonKnowsWhatPluginsHoldAndReleasesWhatNobodyHasAnyMore()
      let streams = BtrfsStreamTests()
      try await streams.anIncrementBuildsOnEitherOfTwoCopies()
      try await streams.snapshotsTravelInOneStreamAndKeepTheirNames()
      let calls = HostileCallTests()
      for one in HostileCallTests.cases { try await calls.theAttackIsRefusedAndTheHonestCallIsNot(one) }
      try await calls.honestCallsOnSubvolumesSucceed()
    }
  }

  /// The control: a worker that does what C leaves undefined is seen.
  @Test(arguments: sanitizers) func aWorkerThatBreaksTheRulesIsSeen(_ options: String) async throws {
    let directory = try await Self.build(
      options, more: "__attribute__((constructor)) void f(void) { volatile int n = 40, m = 1 << n; (void)m; }")
    await BrokerFixture.$products.withValue(directory.path) {
      let error = await #expect(throws: StorageError.self) {
        try await BrokerFixture.with { fixture in
          fixture.image()
          _ = try await fixture.call("host.loop.attach", ["path": .string("\(fixture.data)/disk.img")])
        }
      }
      #expect(error?.code == .internalError, "\(error as Any)")
    }
  }
}
