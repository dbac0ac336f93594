// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import PluginSandbox

private let writes = getenv("BERTH_REGENERATE") != nil
private let takesItsTime = getenv("BERTH_SOAK") != nil || writes

/// Which layer stops what: the corpus against launchers that leave one layer out, compiled for the test from the
/// launcher's own sources with `without.h` in front. `Tests/Hostile/layers.md` is the result: that it was made from these
/// sources and a few rows are checked always, other rows each day; all of it with BERTH_SOAK=1; BERTH_REGENERATE=1 writes it.
@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(30)), .serialized)
struct LayersTests {
  /// Every layer that can be left out by itself, and why it is kept even where no attempt shows it.
  static let layers: [(name: String, why: String)] = [
    ("own-uid", "keeps the plugin's files, signals and per-user limits apart from those of root and of other plugins"),
    ("no-capabilities", "what a hole in the call filter would use"),
    ("no-new-privileges", "the kernel loads neither Landlock nor the call filter without it"),
    ("mount-tree", "paths of the host do not exist inside"),
    ("read-only-mounts", "the second lock on the bundle and the system directories"),
    ("noexec-mounts", "what a plugin writes does not run"),
    ("nosuid-nodev-mounts", "the second lock beside no_new_privs and the missing mknod"),
    ("pid-namespace", "processes of the host have no number inside"),
    ("network-namespace", "there is no network to reach, even where sockets may be made (granted endpoints)"),
    ("ipc-namespace", "System V objects and message queues of the host have no name inside"),
    ("uts-namespace", "the host's name is not told"),
    ("cgroup-namespace", "hides the host's group names where /proc is granted; without it nothing more is reachable"),
    ("landlock", "the second lock on paths, signals, abstract sockets and TCP, kept by the process itself"),
    ("seccomp", "the kernel's wide doors are not there at all"),
    ("resource-limits", "descriptors, locked memory, queues: what no control group counts"),
    ("memory-limit", "the hog is killed, not its neighbours"),
    ("process-limit", "RLIMIT_NPROC stops a fork bomb too, but by user and not by instance"),
    ("cpu-limit", "bounds time and refuses no call: seen in the neighbours benchmark"),
    ("device-group", "the second lock on device nodes, on hosts with the version 1 controller"),
    ("memfd-noexec", "programs do not run from anonymous memory"),
    ("write-xor-execute", "memory that was written does not become code"),
    ("descriptor-closing", "a host that leaks descriptors leaks none to a plugin"),
  ]

  /// Attempts that got through, sorted; nil when the plugin did not start.
  static func through(_ hostile: HostilePlugin, without layers: [String]) async throws -> [String]? {
    let program = try await build(without: layers, in: hostile.fixture.directory)
    let launcher = Launcher(transport: .program(path: program), scope: hostile.fixture.launcher.scope)
    let results: [HostilePlugin.Result]
    do {
      results = try await hostile.inside(launcher: launcher) { $0.required = [] }
    } catch let error as SandboxError where error.code == .stepFailed {
      return nil
    }
    #expect(results.count >= 130, "without \(layers)")
    return results.filter { $0.verdict != .blocked }.map { $0.name + ($0.verdict == .escaped ? "" : "?") }.sorted()
  }

  /// A launcher that leaves out nothing yet.
  private static let template = Task {
    let fixture = try Fixture()
    let program = try await fixture.buildLauncher("template", "-O1 -static -include \(HostilePlugin.sources)/without.h")
    return readFile(program)
  }

  /// A launcher that leaves these layers out: the names are written over the text that stands in their place.
  static func build(without layers: [String], in directory: String) async throws -> String {
    let name = layers.isEmpty ? "nothing" : layers.joined(separator: "-")
    let program = "\(directory)/launcher-without-\(name)"
    var bytes = try await template.value
    let mark = Array("@@ the layers that are left out @@".utf8)
    let list = Array(",\(layers.joined(separator: ",")),".utf8) + [0]
    try #require(list.count < 512)
    let places = bytes.withUnsafeMutableBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      var (places, at) = (0, 0)
      while at + 512 < bytes.count, let found = memchr(start + at, Int32(mark[0]), bytes.count - at - 512) {
        if memcmp(found, mark, mark.count) == 0 {
          found.copyMemory(from: list, byteCount: list.count)
          places += 1
        }
        at = found - start + 1
      }
      return places
    }
    try #require(places > 5, "one in each file that asks")
    writeFile(program, bytes, mode: 0o755)
    return program
  }

  static func row(_ hostile: HostilePlugin, _ layer: (name: String, why: String), open: [String]) async throws -> String
  {
    guard let alone = layer.name == "seccomp" ? open : try await through(hostile, without: [layer.name]) else {
      return "| \(layer.name) | *the plugin does not start* | *the plugin does not start* | \(layer.why) |\n"
    }
    var also = "–"
    if layer.name != "seccomp" {
      let both = try await through(hostile, without: ["seccomp", layer.name]) ?? []
      also = cell(both.filter { !open.contains($0) && !alone.contains($0) })
    }
    return "| \(layer.name) | \(cell(alone)) | \(also) | \(layer.why) |\n"
  }

  private static func cell(_ names: [String]) -> String { names.isEmpty ? "–" : names.joined(separator: ", ") }

  static let command = "BERTH_REGENERATE=1 scripts/test theTableOfLayersIsWhatTheyDo"

  /// A digest over everything that the table depends on: the corpus and the launcher.
  static func digest() throws -> String {
    let fixture = try Fixture()
    let place = fixture.directory + "/digest"
    let status = system(
      """
      cd \(HostilePlugin.sources) && LC_ALL=C cat hostile.h main.c files.c kernel.c attempts.c victim.c without.h \
      ../../Sources/berth-launcher/*.[ch] | sha256sum | cut -c1-16 > \(place)
      """)
    let digest = try #require(SmallFile.read(place)).prefix { $0 != "\n" }
    try #require(status == 0 && digest.count == 16)
    return String(digest)
  }

  @Test(.enabled(if: !writes, "the table is being made"))
  func theTableWasMadeFromTheseSources() throws {
    let line = "Made from the sources with the digest \(try Self.digest()).\n"
    #expect(
      try CoverageTests.text("layers.md").hasSuffix(line),
      "the corpus or the launcher changed: make the table anew (minutes) with \(Self.command) and look at its changes")
  }

  /// What the calls' filter stops is checked always, of the other rows three, each day others.
  static let today: [(name: String, why: String)] = {
    let others = layers.filter { $0.name != "seccomp" }
    let day = time(nil) / 86_400
    return layers.filter { $0.name == "seccomp" } + (0..<3).map { others[(day * 3 + $0) % others.count] }
  }()

  @Test(.enabled(if: !takesItsTime, "the whole table is checked or made"))
  func layersLeftOutLetThroughWhatTheTableSays() async throws {
    let table = try CoverageTests.text("layers.md")
    let hostile = try await HostilePlugin(Fixture())
    let open = try #require(try await Self.through(hostile, without: ["seccomp"]))
    #expect(!open.isEmpty, "the corpus finds nothing that the call filter alone stops")
    for layer in Self.today {
      let row = try await Self.row(hostile, layer, open: open)
      #expect(table.contains("\n" + row), "not in layers.md: \(row)make it anew with \(Self.command)")
    }
  }

  @Test(.enabled(if: takesItsTime, "BERTH_SOAK or BERTH_REGENERATE: minutes"))
  func theTableOfLayersIsWhatTheyDo() async throws {
    let hostile = try await HostilePlugin(Fixture())
    #expect(try await Self.through(hostile, without: []) == [])
    let path = HostilePlugin.sources + "/layers.md"
    var table = """
      # Which layer stops what

      Measured by `LayersTests`: the corpus of `coverage.md` (C) against launchers that leave one layer out, and against
      launchers that leave the call filter out as well. A name is an attempt that got through; `–` means that other layers
      stopped all; with `?` it failed but was not refused. `scripts/soak LayersTests` checks every row,
      `\(Self.command)` writes them.
      The shipped launcher cannot leave anything out.

      | layer left out | gets through | gets through besides when the call filter fails too | why it is kept |
      |---|---|---|---|

      """
    let open = try await Self.through(hostile, without: ["seccomp"]) ?? []
    for layer in Self.layers { table += try await Self.row(hostile, layer, open: open) }
    table += "\nMade from the sources with the digest \(try Self.digest()).\n"
    guard writes else {
      #expect(try CoverageTests.text("layers.md") == table, "make it anew with \(Self.command)")
      return
    }
    let file = try #require(fopen(path, "w"))
    fputs(table, file)
    fclose(file)
  }
}
