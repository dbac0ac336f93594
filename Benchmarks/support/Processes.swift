// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc

/// The C program the benchmarks measure against; it lies beside this one.
package func peerProgram() -> String {
  var buffer = [CChar](repeating: 0, count: 4096)
  let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  let path = String(decoding: buffer[..<max(0, count)].map(UInt8.init(bitPattern:)), as: UTF8.self)
  return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/bench-peer"
}

/// Starts a program; its descriptors 0 and 1 as given, 2 shared with this one.
package func spawn(
  _ program: String, _ arguments: [String], environment: [String: String] = ["PATH": "/usr/bin:/bin"], input: Int32,
  output: Int32
) throws -> Int32 {
  var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
  argv.append(nil)
  var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
  variables.append(nil)
  defer {
    for text in argv + variables { free(text) }
  }
  let pid = berth_spawn(program, &argv, &variables, input, output, 2, 0)
  guard pid > 0 else { throw BenchmarkError("cannot start \(program): error \(-pid)") }
  return pid
}

/// Waits on a thread of its own, so that the pool stays free, until the program has ended well.
package func waitFor(_ pid: Int32) async throws {
  let status = await onThread { () -> Int32 in
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status
  }
  guard status == 0 else { throw BenchmarkError("process \(pid) ended with wait status \(status)") }
}

/// Runs the C program and returns what it printed.
package func runPeer(_ arguments: [String]) async throws -> String {
  var ends: [Int32] = [0, 0]
  guard berth_pipe(&ends) == 0 else { throw BenchmarkError("no pipe") }
  let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
  let pid = try spawn(peerProgram(), arguments, input: null, output: ends[1])
  close(null)
  close(ends[1])
  let readEnd = ends[0]
  let text = await onThread { () -> String in
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = read(readEnd, &buffer, buffer.count), count > 0 { all += buffer[..<count] }
    close(readEnd)
    return String(decoding: all, as: UTF8.self)
  }
  try await waitFor(pid)
  return text.split(separator: "\n").first.map(String.init) ?? ""
}

/// Runs blocking work on a thread of its own.
package func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    let box = Unmanaged.passRetained(Job { continuation.resume(returning: work()) })
    let failed = berth_thread_start(
      "bench", 0, { context in Unmanaged<Job>.fromOpaque(context!).takeRetainedValue().run() }, box.toOpaque())
    precondition(failed == 0, "no thread is left")
  }
}

private final class Job {
  let run: () -> Void
  init(_ run: @escaping () -> Void) { self.run = run }
}

/// A field of a process's /proc/PID/status in bytes (`VmRSS:`, `VmHWM:`); this process's without a pid.
package func residentBytes(_ field: String, of pid: Int32 = getpid()) -> Int {
  let file = open("/proc/\(pid)/status", O_RDONLY | O_CLOEXEC)
  defer { close(file) }
  var buffer = [UInt8](repeating: 0, count: 8192)
  let count = read(file, &buffer, buffer.count)
  let text = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
  guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(field) }) else { return 0 }
  return (line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
}

/// Starts the peak of resident memory anew.
package func resetPeak(of pid: Int32 = getpid()) {
  let file = open("/proc/\(pid)/clear_refs", O_WRONLY | O_CLOEXEC)
  _ = write(file, "5", 1)
  close(file)
}

/// A directory of this run's own; large files are no good in a RAM disk, hence /var/tmp.
package func temporaryDirectory() -> String {
  let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
  var template = Array("\(base)/berth-bench-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { return base }
  return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
}
