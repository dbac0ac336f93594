// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import TestSupport

/// A program of this build or of the system, run as a user would.
struct Program {
  /// How a run ended.
  struct Finished: Sendable {
    /// The exit code; 128 and the signal's number when a signal ended it.
    var status: Int32
    var output: [UInt8]
    var errors: String

    /// Standard output without the line end at its end.
    var text: String {
      var bytes = output
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Where this build's programs are: beside the test program, as they were built with it.
  static let products: String = {
    var path = [CChar](repeating: 0, count: 4_096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    precondition(count > 0, "/proc/self/exe is not readable")
    let own = String(decoding: path.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return own.split(separator: "/").dropLast().map { "/\($0)" }.joined()
  }()

  /// The checkout.
  static let checkout = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// Starts a program and does not wait for it.
  static func start(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], input: Int32 = -1, output: Int32,
    errors: Int32, ownGroup: Bool = false
  ) -> Int32 {
    var variables = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "TZ": "UTC"]
    variables.merge(environment) { $1 }
    let argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    let envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for string in argv + envp { free(string) } }
    return berth_spawn(path, argv, envp, input, output, errors, ownGroup ? 1 : 0)
  }

  /// Waits for a child's end.
  static func wait(_ pid: Int32) async -> Int32 {
    let pidfd = berth_pidfd_open(pid)
    precondition(pidfd >= 0, "the child \(pid) is not there")
    defer { close(pidfd) }
    while true {
      var end = berth_exit()
      _ = berth_pidfd_reap(pidfd, &end)
      if end.exited != 0 { return end.signal != 0 ? 128 + end.signal : end.code }
      try? await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Runs a program to its end.
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], input: [UInt8]? = nil
  ) async -> Finished {
    let directory = TemporaryDirectory(prefix: "berth-run")
    let output = open(directory.file("out"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    let errors = open(directory.file("err"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    var source: Int32 = -1
    if let input {
      directory.write("in", input)
      source = open(directory.file("in"), O_RDONLY | O_CLOEXEC)
    }
    defer { for fd in [output, errors, source] where fd >= 0 { close(fd) } }
    let pid = start(path, arguments, environment: environment, input: source, output: output, errors: errors)
    precondition(pid > 0, "cannot start \(path): \(String(cString: strerror(-pid)))")
    let status = await wait(pid)
    return Finished(
      status: status, output: readFile(directory.file("out")),
      errors: String(decoding: readFile(directory.file("err")), as: UTF8.self))
  }

  /// A system tool that must succeed.
  @discardableResult
  static func tool(_ name: String, _ arguments: String...) async throws -> String {
    guard let path = Requirement.find(name) else { throw Missing(name: name) }
    let run = await run(path, arguments)
    guard run.status == 0 else { throw Failed(command: "\(name) \(arguments)", status: run.status, errors: run.errors) }
    return run.text
  }

  struct Missing: Error { var name: String }
  struct Failed: Error {
    var command: String
    var status: Int32
    var errors: String
  }
}
