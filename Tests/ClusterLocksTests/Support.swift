// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import ClusterLocks
import Glibc
import Synchronization

/// A directory of its own for one test, removed afterwards.
func withDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  var template = Array("/tmp/berth-locks-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: errno \(errno)") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { removeFlat(path) }
  return try await body(path)
}

private func removeFlat(_ path: String) {
  if let directory = opendir(path) {
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { unlink("\(path)/\(name)") }
    }
    closedir(directory)
  }
  rmdir(path)
}

struct TestFailure: Error {
  var message: String

  init(_ message: String) {
    self.message = message
  }
}

/// Waits until something holds, without any assumption on how long it takes; the test's time limit ends it otherwise.
func eventually(_ condition: () async -> Bool) async {
  while await !condition() { try? await Task.sleep(for: .milliseconds(2)) }
}

extension LockRequest {
  /// A request with long limits, so that only what a test does ends it.
  static func test(
    _ name: LockName, owner: String = "test", ttl: Duration = .seconds(3600), timeout: Duration = .seconds(3600),
    reclaim: Reclaim? = nil
  ) -> LockRequest {
    LockRequest(name, owner: owner, operation: "operation", ttl: ttl, timeout: timeout, reclaim: reclaim)
  }
}

/// Numbers in the order in which tasks add them.
final class Recorder: Sendable {
  private let numbers = Mutex<[Int]>([])

  var values: [Int] { numbers.withLock { $0 } }

  func append(_ number: Int) { numbers.withLock { $0.append(number) } }
}
