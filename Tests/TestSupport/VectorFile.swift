// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Cases in JSON files beside the tests.
public enum VectorFile {
  /// The cases in `Vectors/<name>` beside the calling file.
  public static func load<T: JSONDecodable>(_ name: String, file: String = #filePath) -> [T] {
    let path = file.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Vectors/" + name
    do {
      return try JSON.parse(readFile(path)).decode()
    } catch {
      fatalError("\(path): \(error)")
    }
  }
}
