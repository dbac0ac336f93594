// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageConfig
import StorageRules

/// A directory of its own for one test, removed afterwards with all below it.
func withDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  var template = Array("/tmp/berth-config-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: errno \(errno)") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { removeTree(path) }
  return try await body(path)
}

func removeTree(_ path: String) {
  if let directory = opendir(path) {
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name == "." || name == ".." { continue }
      if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
    }
    closedir(directory)
  }
  rmdir(path)
}

func writeFile(_ path: String, _ text: String) throws {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard file >= 0 else { throw TestFailure("\(path): errno \(errno)") }
  defer { close(file) }
  let bytes = Array(text.utf8)
  guard write(file, bytes, bytes.count) == bytes.count else { throw TestFailure("\(path): errno \(errno)") }
}

func mode(_ path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
}

struct TestFailure: Error {
  var message: String

  init(_ message: String) {
    self.message = message
  }
}

extension StorageConfigFile {
  init(_ text: String) { self.init(parsing: Array(text.utf8)) }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension StorageSchema {
  /// A directory type and a type with secrets, as plugins declare them.
  static let test: StorageSchema = {
    do throws(ConfigError) {
      return StorageSchema([
        try StorageTypeSchema(
          type: "dir",
          configSchema: [
            "type": "object",
            "properties": [
              "path": ["type": "string", "format": "path", "x-fixed": true],
              "retries": ["type": "integer", "minimum": 0, "maximum": 10, "default": 3],
              "mode": ["type": "string", "enum": ["fast", "safe"]],
              "hosts": ["type": "array", "items": ["type": "string", "pattern": "^[a-z]+$"]],
            ], "required": ["path"],
          ], contentTypes: [.images, .rootdir, .iso, .vztmpl, .backup, .snippets, .import],
          defaultContent: [.images, .rootdir], formats: [.raw, .qcow2, .vmdk, .subvol]),
        try StorageTypeSchema(
          type: "array",
          configSchema: [
            "type": "object",
            "properties": [
              "server": ["type": "string", "format": "hostname", "x-fixed": true],
              "password": ["type": "string", "x-sensitive": true],
              "key": ["type": "string", "x-sensitive": true],
            ], "required": ["server", "password"],
          ], contentTypes: [.images], defaultContent: [.images]),
      ])
    } catch {
      fatalError("the test's schema is wrong: \(error)")
    }
  }()
}

/// A generator that repeats itself from a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
