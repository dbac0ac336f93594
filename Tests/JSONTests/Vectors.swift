// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

/// Texts and what must become of them, from the files beside the tests.
enum Vectors {
  struct Accepted: JSONDecodable, CustomTestStringConvertible {
    var name: String
    var text: String
    var compact: String
    var testDescription: String { name }

    init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      name = try members.required("name", at: path)
      text = try members.required("text", at: path)
      compact = try members.required("compact", at: path)
    }
  }

  struct Refused: JSONDecodable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var code: JSONError.Code
    var testDescription: String { name }

    init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      name = try members.required("name", at: path)
      code = JSONError.Code(rawValue: try members.required("code", at: path))
      if let hex: String = try members.optional("hex", at: path) {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue.map(UInt8.init) }
        bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
      } else {
        bytes = Array(try members.required("text", at: path, as: String.self).utf8)
      }
    }
  }

  static let accepted: [Accepted] = VectorFile.load("accepted.json")
  static let refused: [Refused] = VectorFile.load("refused.json")
}
