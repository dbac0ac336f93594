// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import Glibc

/// A directory of its own for one test, removed with all its content when the last reference goes.
public final class TemporaryDirectory: Sendable {
  /// Absolute path, without a slash at its end.
  public let path: String

  /// - Parameter parent: where to make it; `TMPDIR` or /tmp when nil.
  public init(prefix: String = "berth-test", in parent: String? = nil) {
    let base = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/\(prefix)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      fatalError("cannot make a directory in \(base): \(String(cString: strerror(errno)))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { removeTree(path) }

  /// The path of something in it.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in it and returns its path.
  @discardableResult
  public func write(_ name: String, _ bytes: some Collection<UInt8>, mode: mode_t = 0o644) -> String {
    writeFile(file(name), bytes, mode: mode)
    return file(name)
  }

  /// Writes a file in it and returns its path.
  @discardableResult
  public func write(_ name: String, _ text: String, mode: mode_t = 0o644) -> String {
    write(name, Array(text.utf8), mode: mode)
  }
}

/// Runs the body with a directory that is removed afterwards.
public func withTemporaryDirectory<Result>(_ body: (_ path: String) throws -> Result) rethrows -> Result {
  let directory = TemporaryDirectory()
  defer { withExtendedLifetime(directory) {} }
  return try body(directory.path)
}

/// Runs the body with a directory that is removed afterwards.
public func withTemporaryDirectory<Result>(_ body: (_ path: String) async throws -> Result) async rethrows -> Result {
  let directory = TemporaryDirectory()
  defer { withExtendedLifetime(directory) {} }
  return try await body(directory.path)
}

/// Removes a file or a directory with its content; links are removed, not followed.
func removeTree(_ path: String) {
  guard unlink(path) != 0, rmdir(path) != 0, let directory = opendir(path) else { return }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  closedir(directory)
  for name in names { removeTree("\(path)/\(name)") }
  rmdir(path)
}
