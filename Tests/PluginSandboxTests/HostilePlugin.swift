// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

@testable import PluginSandbox

/// The hostile program of `Tests/Hostile`, compiled and surrounded by everything it tries to reach.
final class HostilePlugin: Sendable {
  enum Verdict: String {
    case escaped = "ESCAPED", blocked = "BLOCKED", inconclusive = "INCONCLUSIVE"
    /// Not run: it uses something up, and so has a sandbox of its own.
    case apart = "APART"
  }

  /// Where an attempt has to succeed outside; the reasons for anything but `always` are in the corpus.
  enum Control: String { case always, stock, nowhere }

  struct Result: CustomStringConvertible {
    var name: String
    var threat: String
    var verdict: Verdict
    var control: Control
    var detail: String
    var description: String { "\(threat) \(name): \(verdict.rawValue) \(detail)" }
  }

  let fixture: Fixture
  private let probe: String
  private let victimInput: Int32
  private let peer: Int32

  /// Directory of the sources, beside this file's own.
  static let sources: String = {
    let parts = #filePath.split(separator: "/").dropLast(2)
    return "/" + parts.joined(separator: "/") + "/Hostile"
  }()

  init(_ fixture: Fixture) async throws {
    self.fixture = fixture
    let bundle = fixture.bundle
    let directory = fixture.directory
    let tag = directory.split(separator: "-").last.map(String.init) ?? "x"
    probe = "/usr/share/berth-hostile-\(tag)"
    let setUp = """
      set -e
      cd \(Self.sources)
      cc -std=gnu17 -O1 -w -static -o \(bundle)/hostile main.c files.c kernel.c attempts.c -lrt
      cc -std=gnu17 -O1 -w -o \(directory)/victim victim.c -lrt
      cp \(bundle)/hostile \(bundle)/setuid && chmod 4755 \(bundle)/setuid
      cp \(bundle)/hostile \(bundle)/filecap
      python3 -c 'import os,struct; os.setxattr("\(bundle)/filecap", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 21, 0, 0, 0))'
      cp \(bundle)/hostile \(bundle)/victim-code; echo '{}' > \(bundle)/manifest.json
      mkdir \(directory)/other \(directory)/otherstate \(directory)/state
      echo CANARY-1 > \(directory)/secret; chmod 600 \(directory)/secret
      echo CANARY-2 > \(directory)/open; echo CANARY-3 > \(directory)/otherstate/data; touch \(directory)/other/vm-100-disk-0.raw
      echo probe > \(probe)
      """
    let done = await Blocking.run { system("PATH=/usr/bin:/bin; \(setUp)") }
    guard done == 0 else { throw SandboxError(.systemFailure, "the hostile plugin could not be prepared") }
    let common = "\(directory)/targets"
    (victimInput, _) = try Self.start("\(directory)/victim", [directory, common])
    for _ in 0..<500 where access(common, F_OK) != 0 || (SmallFile.read(common) ?? "").contains("host_name") == false {
      await Blocking.run { _ = usleep(10_000) }
    }
    let (input, pid) = try Self.start(
      "/usr/bin/setpriv", ["--reuid=654321", "--regid=654321", "--clear-groups", "/bin/cat"])
    peer = input
    let targets = """
      \(SmallFile.read(common) ?? "")secret=\(directory)/secret
      open_secret=\(directory)/open
      other_storage=\(directory)/other
      other_state=\(directory)/otherstate/data
      tmp_name=berth-test-\(tag)
      system_file=\(probe)
      same_uid_victim=\(pid)

      """
    fixture.write("inside", targets + "plugin=/plugin\nstate=/state\n", mode: 0o644)
    fixture.write("outside", targets + "plugin=\(bundle)\nstate=\(directory)/state\n", mode: 0o644)
  }

  deinit {
    close(victimInput)
    close(peer)
    unlink(probe)
  }

  /// Starts a helper with a pipe to its input; it ends when the pipe is closed.
  private static func start(_ path: String, _ arguments: [String]) throws -> (Int32, Int32) {
    let pipe = try DescriptorPair.pipe()
    var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("SECRET=CANARY-4"), nil]
    defer { free(environment[0]) }
    let pid = berth_spawn(path, &argv, &environment, pipe.first.value, -1, -1, 0)
    guard pid > 0 else { throw SandboxError(.systemFailure, "\(path)", errno: -pid) }
    return (fcntl(pipe.second.value, F_DUPFD_CLOEXEC, 3), pid)
  }

  /// Runs every attempt unconfined, as root: the control.
  func outside() async -> [Result] {
    let command =
      "cd \(fixture.bundle) && SECRET_TOKEN=CANARY-5 exec ./hostile outside outside 7</ </dev/null 2>\(fixture.directory)/control.err"
    let text = await Blocking.run {
      var text = ""
      guard let stream = popen(command, "r") else { return text }
      var line = [CChar](repeating: 0, count: 1024)
      while fgets(&line, Int32(line.count), stream) != nil {
        text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      pclose(stream)
      return text
    }
    return Self.parse(text)
  }

  /// Runs every attempt in the sandbox, started by a host that leaks a descriptor and has a secret in its environment.
  /// What uses something up has a sandbox and a user of its own each.
  ///
  /// - Parameter hasImage: whether the state is a file system image, as wherever a host can make them.
  func inside(
    launcher: Launcher? = nil, hasImage: Bool = StateImage.isAvailable(), change: (inout LaunchPlan) -> Void = { _ in }
  ) async throws -> [Result] {
    setenv("SECRET_TOKEN", "CANARY-5", 1)
    let leaked = open("/", O_RDONLY | O_DIRECTORY)
    defer { close(leaked) }
    var results = try await run("together", number: 0, launcher: launcher, hasImage: hasImage, change: change)
    for (index, result) in results.enumerated() where result.verdict == .apart {
      let alone = try await run(result.name, number: index + 1, launcher: launcher, hasImage: hasImage, change: change)
      guard let one = alone.first, alone.count == 1, one.verdict != .apart else {
        throw SandboxError(.systemFailure, "\(result.name) has no result of its own")
      }
      results[index] = one
    }
    return results
  }

  /// One sandbox with a user and a state of its own.
  private func run(
    _ what: String, number: Int, launcher: Launcher?, hasImage: Bool, change: (inout LaunchPlan) -> Void
  ) async throws -> [Result] {
    var plan = fixture.plan("hostile", uid: 654_321 + UInt32(number))
    plan.instance = "t\(number)"
    plan.arguments = ["/plugin/inside", "inside", what]
    let state = "\(fixture.directory)/state" + (number == 0 ? "" : "-\(number)")
    // Without an image the state is a tmpfs, which has a size as well.
    if hasImage {
      mkdir(state, 0o755)
      plan.stateDirectory = state
      plan.stateImage = state + ".img"
      try await Self.prepare(state + ".img", plan.uid)
    }
    change(&plan)
    let process = try await (launcher ?? fixture.launcher).launch(plan)
    let text = await Fixture.drain(process.standardOutput)
    try await process.kill()
    process.close()
    return Self.parse(text)
  }

  private static func prepare(_ image: String, _ owner: UInt32) async throws {
    let result = await Blocking.run {
      Swift.Result { try StateImage.prepare(image, size: 16 << 20, owner: owner) }
    }
    try result.get()
  }

  private static func parse(_ text: String) -> [Result] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").map(String.init)
      guard words.count >= 4, let verdict = Verdict(rawValue: words[2]), let control = Control(rawValue: words[3])
      else { return nil }
      return Result(
        name: words[0], threat: words[1], verdict: verdict, control: control,
        detail: words.dropFirst(4).joined(separator: " "))
    }
  }
}
