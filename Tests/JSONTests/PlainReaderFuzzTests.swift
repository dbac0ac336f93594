// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import JSON

@Suite("The quick reader against libjansson", .timeLimit(.minutes(1440)))
struct PlainReaderFuzzTests {
  /// What libjansson makes of the bytes; nil when it refuses them.
  private func reference(_ bytes: [UInt8]) -> JSON? {
    bytes.withUnsafeBytes { buffer in
      guard let document = try? JSONDocument(buffer) else { return nil }
      return try? document.value(limits: .standard)
    }
  }

  private func plain(_ bytes: [UInt8]) -> JSON? {
    bytes.withUnsafeBytes { PlainReader.read($0, limits: .standard) }
  }

  /// Where the quick reader has an answer, libjansson must have the same.
  private func check(_ bytes: [UInt8], _ comment: Comment) {
    guard let value = plain(bytes) else { return }
    #expect(reference(bytes) == value, comment)
  }

  @Test("leaves alone whatever libjansson refuses", arguments: Vectors.refused)
  func refused(vector: Vectors.Refused) { #expect(plain(vector.bytes) == nil) }

  @Test("agrees on what is accepted", arguments: Vectors.accepted)
  func accepted(vector: Vectors.Accepted) { check(Array(vector.text.utf8), "\(vector.name)") }

  @Test("agrees on random values, whole and broken")
  func random() {
    Fuzz.run(rounds: 1500) { seed, generator in
      let bytes = RandomJSON.value(using: &generator).bytes(Bool.random(using: &generator) ? .compact : .pretty)
      check(bytes, "seed \(seed)")
      check(HostileBytes.mutated(bytes, using: &generator), "seed \(seed)")
      check(HostileBytes.some(using: &generator, upTo: 60), "seed \(seed)")
    }
  }

  @Test("agrees on every byte at every place of a string")
  func everyByte() {
    for length in [0, 1, 6, 7, 8, 9, 15, 16, 17] {
      for place in 0...length {
        for byte in UInt8.min ... .max {
          var bytes = [UInt8](repeating: UInt8(ascii: "x"), count: length)
          bytes.insert(byte, at: place)
          check([UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")], "byte \(byte) at \(place) of \(length)")
          check([UInt8(ascii: "\""), UInt8(ascii: "\\")] + bytes + [UInt8(ascii: "\"")], "escape \(byte) of \(length)")
        }
      }
    }
  }

  @Test(
    "agrees on numbers",
    arguments: [
      "0", "-0", "-", "00", "01", "-01", "1", "-1", "10", "999999999999999999", "1000000000000000000",
      "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1.", "1.0", "1e5", "1E5", "0.5", "0e0",
    ])
  func numbers(text: String) {
    for whole in [text, "[\(text)]", " \(text) ", "{\"a\":\(text)}", "[\(text),\(text)]"] {
      check(Array(whole.utf8), "\(whole)")
    }
  }

  @Test("reads the messages the protocol is made of by itself")
  func readsMessages() {
    let text = """
      {"jsonrpc":"2.0","id":17,"result":{"volumes":[{"volid":"local:100/vm-100-disk-0.qcow2","size":34359738368,\
      "notes":"größer\\n\\"zwei\\"","parent":null,"protected":false,"vmid":100}]}}
      """
    #expect(plain(Array(text.utf8)) != nil)
  }
}
