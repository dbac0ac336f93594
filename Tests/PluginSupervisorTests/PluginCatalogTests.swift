// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageProtocol
import TestSupport
import Testing

@testable import PluginSupervisor

@Suite struct PluginCatalogTests {
  let stage: Stage

  init() throws { stage = try Stage() }

  private var bundles: String { "\(stage.directory)/bundles" }

  private func problem(_ change: (String) throws -> Void) throws -> CatalogProblem? {
    let path = try stage.write("honest")
    try change(path)
    defer { removeTree(path) }
    do throws(CatalogProblem) {
      _ = try PluginBundle.read(path)
      return nil
    } catch {
      return error
    }
  }

  private func manifestProblem(_ change: (inout JSONObject) -> Void) throws -> CatalogProblem? {
    let path = try stage.write("honest", change: change)
    defer { removeTree(path) }
    do throws(CatalogProblem) {
      _ = try PluginBundle.read(path)
      return nil
    } catch {
      return error
    }
  }

  @Test func aGoodBundleIsRead() throws {
    #expect(try problem { _ in } == nil)
  }

  /// A plugin may be removed while its bundle is still being copied: whoever comes last must leave nothing behind.
  @Test func aPluginThatGoesWhileItIsCopiedLeavesNoCopy() async throws {
    let bundle = try PluginBundle.read(try stage.write("honest"))
    for delay in stride(from: 0, to: 3_000, by: 60) {
      let copies = BundleStore(directory: "\(stage.directory)/copies-\(delay)", logger: stage.log.logger)
      await copies.setInForce([bundle])
      async let kept: Void = OwnThread.run { copies.keep(bundle) }
      usleep(UInt32(delay))
      await copies.setInForce([])
      await kept
      #expect(directoryNames(at: copies.directory) == [], "\(delay) µs")
    }
  }

  @Test func aPluginThatComesBackIsKeptAgain() async throws {
    let first = try PluginBundle.read(try stage.write("honest"))
    let second = try PluginBundle.read(try stage.write("honest", as: "second") { $0["version"] = "2.0.0" })
    let copies = BundleStore(directory: "\(stage.directory)/copies", logger: stage.log.logger)
    // Removed and put back; exchanged for another version and back to the one before.
    for bundle in [first, nil, first, second, first] {
      await copies.setInForce([bundle].compactMap(\.self))
      if let bundle { await OwnThread.run { copies.keep(bundle) } }
      #expect(await copies.digest(of: first.id) == bundle?.digest)
      #expect(await copies.load(first.id)?.digest == bundle?.digest)
    }
  }

  @Test func aChangedExecutableIsFound() throws {
    let found = try problem { path in
      writeFile("\(path)/honest.py", Array("#!/bin/sh\necho evil\n".utf8), mode: 0o755)
    }
    #expect(found?.code == .hashMismatch)
    #expect(found?.file == "honest.py")
  }

  @Test(arguments: ["../honest/honest.py", "/bin/sh", "a//b", "./honest.py", ""]) func executablesOutsideAreRefused(
    _ executable: String
  ) throws {
    let found = try manifestProblem { $0["executable"] = .string(executable) }
    #expect(found?.code == .executableInvalid || found?.code == .manifestInvalid)
  }

  @Test func aLinkInTheExecutablesPathIsRefused() throws {
    let found = try problem { path in
      rename("\(path)/honest.py", "\(path)/real.py")
      symlink("real.py", "\(path)/honest.py")
    }
    #expect(found?.code == .executableInvalid)
    #expect(found?.message.contains("symbolic link") == true)
  }

  @Test func whatAnyoneMayWriteIsRefused() throws {
    let found = try problem { path in chmod("\(path)/manifest.json", 0o666) }
    #expect(found?.code == .unreadable)
    #expect(found?.message.contains("chmod o-w") == true)
  }

  @Test func aFileThatIsNotExecutableIsRefused() throws {
    let found = try problem { path in chmod("\(path)/honest.py", 0o644) }
    #expect(found?.code == .executableInvalid)
  }

  @Test func aProtocolOfAnotherAgeIsRefusedWithTheSideToUpgrade() throws {
    let found = try manifestProblem { $0["protocol"] = ["min": "7.0", "max": "7.2"] }
    #expect(found?.code == .versionUnsupported)
    #expect(found?.message.contains("upgrade the host") == true)
    #expect(
      try manifestProblem { $0["profiles"] = ["pve-storage": ["min": 90, "max": 95]] }?.code == .versionUnsupported)
  }

  @Test func unknownAndMissingMethodsAreRefused() throws {
    #expect(try manifestProblem { $0["methods"] = ["status", "teleport_image"] }?.code == .methodsInvalid)
  }

  @Test(arguments: ["{", "{\"id\":1,\"id\":2}", "[]", "\u{feff}{}", String(repeating: "[", count: 100)])
  func brokenManifestsAreRefused(_ text: String) throws {
    let found = try problem { path in writeFile("\(path)/manifest.json", Array(text.utf8)) }
    #expect(found?.code == .manifestInvalid)
    #expect(found?.file == "manifest.json")
  }

  @Test func anEndlessManifestIsNotRead() throws {
    let found = try problem { path in
      writeFile("\(path)/manifest.json", [UInt8](repeating: 0x20, count: 2 << 20))
    }
    #expect(found?.code == .manifestInvalid)
    let fifo = try problem { path in
      unlink("\(path)/manifest.json")
      mkfifo("\(path)/manifest.json", 0o644)
    }
    #expect(fifo?.code == .unreadable)
  }

  @Test func theDigestCoversEveryFile() throws {
    let path = try stage.write("honest")
    let first = try PluginBundle.read(path).digest
    #expect(try PluginBundle.read(path).digest == first)
    writeFile("\(path)/wire.py", Array("# changed\n".utf8))
    let second = try PluginBundle.read(path).digest
    #expect(second != first)
    chmod("\(path)/wire.py", 0o755)
    #expect(try PluginBundle.read(path).digest != second)
  }

  @Test func oneBadBundleHidesNoOther() async throws {
    _ = try stage.write("honest")
    _ = try stage.write("twice") { $0["version"] = 7 }
    mkdir("\(bundles)/empty", 0o755)
    writeFile("\(bundles)/README", Array("not a bundle".utf8))
    let catalog = await PluginCatalog.load([bundles, "\(stage.directory)/nowhere"])
    #expect(catalog.bundles.map(\.id) == ["org.example.honest"])
    #expect(Set(catalog.problems.map(\.bundle)) == ["\(bundles)/twice", "\(bundles)/empty"])
    #expect(try catalog.bundle(forType: "t-honest").id == "org.example.honest")
  }

  @Test func twoBundlesOfOneIdAreBothReportedAndNeitherIsUsed() async throws {
    _ = try stage.write("honest", as: "one")
    _ = try stage.write("honest", as: "two")
    let catalog = await PluginCatalog.load([bundles])
    #expect(catalog.bundles.isEmpty)
    #expect(catalog.problems.map(\.code) == [.duplicateID, .duplicateID])
    #expect(catalog.problems[0].message.contains("\(bundles)/two"))
  }

  @Test func aTypeClaimedTwiceIsServedByNobody() async throws {
    _ = try stage.write("honest")
    _ = try stage.write("twice") { manifest in
      var type = manifest["storageTypes"]?[0]?.objectValue ?? [:]
      type["type"] = "t-honest"
      manifest["storageTypes"] = [.object(type)]
    }
    let catalog = await PluginCatalog.load([bundles])
    #expect(catalog.bundles.count == 2)
    #expect(catalog.problems.map(\.code) == [.duplicateType, .duplicateType])
    #expect(throws: StorageError.self) { try catalog.bundle(forType: "t-honest") }
  }

  @Test func whatCannotBeUsedLeavesTheEarlierOneInForce() async throws {
    let path = try stage.write("honest")
    _ = try stage.write("twice")
    let first = await PluginCatalog.load([bundles])
    writeFile("\(path)/manifest.json", Array("{".utf8))
    let second = await PluginCatalog.load([bundles]).succeeding(first)
    #expect(second.bundles == first.bundles)
    #expect(second.kept["org.example.honest"]?.code == .manifestInvalid && second.kept.count == 1)
    #expect(try second.bundle(forType: "t-honest").id == "org.example.honest")
    // Corrected, it is the new one; gone, it is gone.
    _ = try stage.write("honest") { $0["version"] = "1.1.0" }
    let third = await PluginCatalog.load([bundles]).succeeding(second)
    #expect(third["org.example.honest"]?.manifest.version == "1.1.0" && third.kept.isEmpty)
    removeTree(path)
    let fourth = await PluginCatalog.load([bundles]).succeeding(third)
    #expect(fourth.bundles.map(\.id) == ["org.example.twice"] && fourth.problems.isEmpty)
  }

  @Test func aSecondBundleTakesNeitherIdNorTypeFromTheOneInUse() async throws {
    let path = try stage.write("honest")
    let first = await PluginCatalog.load([bundles])
    _ = try stage.write("honest", as: "copy")
    let second = await PluginCatalog.load([bundles]).succeeding(first)
    #expect(second.bundles.map(\.path) == [path])
    #expect(second.problems.contains { $0.bundle == "\(bundles)/copy" && $0.code == .duplicateID })
    removeTree("\(bundles)/copy")
    _ = try stage.write("twice") { manifest in
      var type = manifest["storageTypes"]?[0]?.objectValue ?? [:]
      type["type"] = "t-honest"
      manifest["storageTypes"] = [.object(type)]
    }
    let third = await PluginCatalog.load([bundles]).succeeding(second)
    #expect(try third.bundle(forType: "t-honest").id == "org.example.honest")
    #expect(third.problems.map(\.bundle) == ["\(bundles)/twice"])
    #expect(third.problems[0].message.contains("is served by org.example.honest already"))
  }

  @Test func aChangeIsSeenWithoutReadingAnyFile() async throws {
    let path = try stage.write("honest")
    let catalog = await PluginCatalog.load([bundles])
    #expect(await catalog.isCurrent(path))
    writeFile("\(path)/wire.py", Array("# changed\n".utf8))
    #expect(await !catalog.isCurrent(path))
    removeTree(path)
    #expect(await !catalog.isCurrent(path))
  }

  @Test func theSameDirectoryTwiceIsOneBundle() async throws {
    _ = try stage.write("honest")
    let catalog = await PluginCatalog.load([bundles, bundles + "/."])
    #expect(catalog.bundles.count == 1)
    #expect(catalog.problems.isEmpty)
  }
}
