// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A `storage.cfg` with every sort of fault: each disables its own storage, everything else works, the text survives.
@Suite("A bad storage.cfg", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct BadConfigTests {
  private static let faults = """

    # kept: written by hand, and not well
    alien: other
    \tsome thing
    \t# an odd place for a remark

    directory: pathless
    \tcontent images

    directory: relative
    \tpath not/from/root

    directory: wrongcontent
    \tpath /tmp
    \tcontent images,nonsense

    directory: wrongnodes
    \tpath /tmp
    \tnodes a_b,,?

    directory: wrongflag
    \tpath /tmp
    \tshared perhaps

    directory: twice
    \tpath /tmp

    directory: twice
    \tpath /var/tmp

    directory:
    \tpath /tmp

    directory: bad id!
    \tpath /tmp
      not even a section

    """

  @Test func everyFaultDisablesItsOwnStorageAndTheTextSurvives() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    await host.stop()
    let config = host.stateDirectory + "/storage.cfg"
    let whole = readFile(config) + Array(Self.faults.utf8)
    writeFile(config, whole)
    try await host.start()
    #expect(readFile(config) == whole, "a start changes nothing")
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    for (storage, reason) in [
      ("other", "alien"), ("pathless", "path"), ("relative", "path"), ("wrongcontent", "nonsense"),
      ("wrongnodes", "nodes"), ("wrongflag", "shared"), ("twice", "twice"),
    ] {
      let run = await host.berth("volume", "alloc", storage, "100", "1M")
      #expect(run.status != 0, "\(storage)")
      #expect(run.errors.contains(reason), "\(storage): \(run.errors)")
      #expect(run.errors.contains("next:"), "\(storage): \(run.errors)")
    }
    let list = try await host.succeed("storage", "list")
    #expect(list.split(separator: "\n").count(where: { $0.contains("unusable") }) >= 7, "\(list)")
    try await host.succeed("storage", "set", "local", "-o", "content=images")
    let changed = String(decoding: readFile(config), as: UTF8.self)
    #expect(changed.hasSuffix(Self.faults), "not a byte of the others has changed: \(changed)")
    // What cannot be used can be taken out, and only that goes.
    try await host.succeed("storage", "remove", "pathless")
    let less = String(decoding: readFile(config), as: UTF8.self)
    #expect(less.contains("alien: other\n\tsome thing\n\t# an odd place for a remark\n"))
    #expect(!less.contains("pathless"))
    #expect(less.contains("directory: relative\n\tpath not/from/root\n"))
    #expect(try await host.volumes() == [volume])
    await host.stop()
  }

  @Test func aConfigurationThatIsNoTextStopsNobody() async throws {
    let host = try await Installation()
    mkdir(host.stateDirectory, 0o711)
    let config = host.stateDirectory + "/storage.cfg"
    let bytes: [UInt8] = [0xff, 0xfe, 0x00, 0x0a] + Array("directory: x\n\tpath \u{1}\n".utf8) + [0x80]
    writeFile(config, bytes, mode: 0o600)
    try await host.start()
    try await host.addStorage()
    try await host.succeed("volume", "alloc", "local", "100", "1M")
    #expect(readFile(config).starts(with: bytes))
    await host.stop()
  }
}
