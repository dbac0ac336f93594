// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

@testable import PluginSandbox

/// A scratch directory with a bundle in it, and the launcher from the build.
final class Fixture: Sendable {
  let directory: String
  let bundle: String
  let launcher: Launcher
  static let isRoot = geteuid() == 0
  /// The build's own binaries.
  static let products = {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    let path = own.map { String(cString: $0) } ?? ""
    return path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
  }()
  static let program = "\(products)/berth-launcher"

  /// Kept alive with this one: it owns files that this one uses.
  private let other: Fixture?

  init(transport: Launcher.Transport? = nil, keeping other: Fixture? = nil) throws(SandboxError) {
    self.other = other
    var template = Array("/tmp/berth-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SandboxError(.systemFailure, "mkdtemp", errno: errno) }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    bundle = directory + "/bundle"
    chmod(directory, 0o755)
    mkdir(bundle, 0o755)
    let scope = "test-" + (directory.split(separator: "-").last.map(String.init) ?? "x")
    launcher = Launcher(transport: transport ?? .program(path: Self.program), scope: scope)
  }

  deinit {
    let (directory, launcher) = (directory, launcher)
    let request = try? LaunchRequest(operation: BL_OP_SWEEP, scope: launcher.scope)
    if let request { _ = try? Launcher.ask(.program(path: Self.program), request) }
    system("rm -rf '\(directory)'")
  }

  /// Writes an executable file into the bundle.
  func write(_ name: String, _ content: String, mode: mode_t = 0o755) {
    let path = "\(bundle)/\(name)"
    guard let file = fopen(path, "w") else { return }
    fputs(content, file)
    fclose(file)
    chmod(path, mode)
  }

  func plan(_ executable: String, uid: UInt32 = 654_321) -> LaunchPlan {
    LaunchPlan(instance: "t", mode: .privileged, bundle: bundle, executable: executable, uid: uid)
  }

  /// Runs a shell script inside and returns what it printed and how it ended.
  func run(_ script: String, change: (inout LaunchPlan) -> Void = { _ in }) async throws -> (
    output: String, errors: String, status: ExitStatus
  ) {
    write("run.sh", "#!/bin/sh\n" + script + "\n")
    var plan = plan("run.sh")
    change(&plan)
    let process = try await launcher.launch(plan)
    let output = await Self.drain(process.standardOutput)
    let errors = await Self.drain(process.standardError)
    let status = await process.waitForExit()
    try await process.kill()
    process.close()
    return (output, errors, status)
  }

  /// Reads to the end of file on a thread of its own.
  static func drain(_ descriptor: Int32) async -> String {
    await Blocking.run {
      _ = berth_set_nonblocking(descriptor, 0)
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65536)
      while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count <= 0 { break }
        bytes += chunk[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
