// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageConfig
import StorageRules
import TestSupport

/// A file of vectors beside the tests.
func vectors(_ name: String) throws -> [JSON] {
  let directory = #filePath.split(separator: "/").dropLast().joined(separator: "/")
  return try JSON.parse(readFile("/\(directory)/Vectors/\(name)")).array()
}

/// The permission bits of a file; 0 when there is none.
func mode(_ path: String) -> mode_t {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
}

/// The names in a directory.
func names(_ path: String) -> Set<String> {
  var names: Set<String> = []
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  while let entry = readdir(directory) {
    names.insert(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
  }
  return names.subtracting([".", ".."])
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
