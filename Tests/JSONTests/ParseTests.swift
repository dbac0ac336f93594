// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite("Reading JSON text")
struct ParseTests {
  @Test("accepts what the protocol allows and writes it back", arguments: Vectors.accepted)
  func accepts(vector: Vectors.Accepted) throws {
    let value = try JSON.parse(vector.text)
    #expect(value.text() == vector.compact)
    #expect(try JSON.parse(value.bytes()) == value)
  }

  @Test("refuses what the protocol forbids, by name and without quoting it", arguments: Vectors.refused)
  func refuses(vector: Vectors.Refused) {
    let error = #expect(throws: JSONError.self) { try JSON.parse(vector.bytes) }
    #expect(error?.code == vector.code)
  }

  @Test("refuses a text over the limit before parsing it")
  func refusesTooLarge() throws {
    let text = "[1,2,3]"
    #expect(try JSON.parse(text, limits: JSONLimits(maxBytes: 7)) == [1, 2, 3])
    let error = #expect(throws: JSONError.self) { try JSON.parse("not JSON", limits: JSONLimits(maxBytes: 7)) }
    #expect(error?.code == .tooLarge)
  }

  @Test(
    "refuses more values than allowed, whichever way it is read",
    arguments: ["[1,2,3,\"a,b,[,{,\\\",\"]", "[1,2,3,4.5]", "[[],[[]],1]", "{\"a\":1,\"b\":[2,1e3]}"])
  func refusesTooMany(text: String) throws {
    _ = try JSON.parse(text, limits: JSONLimits(maxValues: 6))
    let error = #expect(throws: JSONError.self) { try JSON.parse(text, limits: JSONLimits(maxValues: 2)) }
    #expect(error?.code == .tooLarge)
  }

  @Test("refuses nesting beyond the limit", arguments: [("[", "]"), ("{\"a\":", "}")])
  func refusesTooDeep(pair: (String, String)) throws {
    func nest(_ depth: Int) -> String {
      String(repeating: pair.0, count: depth - 1) + (pair.0 == "[" ? "[]" : "{}")
        + String(repeating: pair.1, count: depth - 1)
    }
    _ = try JSON.parse(nest(64))
    for depth in [65, 2_000, 100_000] {
      let error = #expect(throws: JSONError.self) { try JSON.parse(nest(depth)) }
      #expect(error?.code == .tooDeep)
    }
  }

  @Test("never quotes the input in an error")
  func quotesNothing() {
    for text in ["{\"password\":\"hunter2\"hunter2}", "hunter2", "{\"a\":hunter2", "{\"hunter2\":1,\"hunter2\":1}"] {
      let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
      #expect(error?.description.contains("hunter") == false)
    }
  }

  @Test("keeps integers apart from reals")
  func keepsIntegers() throws {
    #expect(try JSON.parse("1") == .int(1))
    #expect(try JSON.parse("1.0") == .double(1))
    #expect(throws: JSONError.self) { try JSON.parse("1.0").decode(as: Int.self) }
    #expect(try JSON.parse("9007199254740993").decode(as: Int64.self) == 9_007_199_254_740_993)
  }
}
