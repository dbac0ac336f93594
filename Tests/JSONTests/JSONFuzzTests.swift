// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@Suite("JSON values and texts at random", .timeLimit(.minutes(1440)))
struct JSONFuzzTests {
  @Test("every value reads back from its text, in every style")
  func roundTrip() throws {
    try Fuzz.run(rounds: 400) { seed, generator in
      let value = RandomJSON.value(using: &generator)
      for style in [JSONWriter.Style.compact, .canonical, .pretty] {
        let text = value.bytes(style)
        let again = try JSON.parse(text)
        #expect(again == value, "seed \(seed)")
        #expect(again.bytes(.canonical) == value.bytes(.canonical), "seed \(seed)")
      }
    }
  }

  @Test("equal values have equal canonical text, whatever the order of their members")
  func canonical() {
    Fuzz.run(rounds: 200) { seed, generator in
      let object = RandomJSON.object(using: &generator)
      let shuffled = JSONObject(lastWins: object.shuffled(using: &generator).map { ($0.key, $0.value) })
      #expect(object == shuffled, "seed \(seed)")
      #expect(object.hashValue == shuffled.hashValue, "seed \(seed)")
      #expect(JSON.object(object).bytes(.canonical) == JSON.object(shuffled).bytes(.canonical), "seed \(seed)")
    }
  }

  @Test("broken texts are refused or read, never worse; what is read, reads the same again")
  func brokenTexts() throws {
    try Fuzz.run(rounds: 2000) { seed, generator in
      var bytes = HostileBytes.some(using: &generator)
      if Bool.random(using: &generator) {
        bytes = HostileBytes.mutated(RandomJSON.value(using: &generator).bytes(), using: &generator)
      }
      guard let value = try? JSON.parse(bytes) else { return }
      let again = try JSON.parse(value.bytes())
      #expect(again == value, "seed \(seed)")
    }
  }

  @Test("an object is a dictionary that keeps its order, small and large")
  func objectModel() {
    Fuzz.run(rounds: 100) { seed, generator in
      var object = JSONObject()
      var order: [String] = []
      var model: [String: JSON] = [:]
      for _ in 0..<80 {
        let key = "k\(Int.random(in: 0..<30, using: &generator))"
        if generator.oneIn(3) {
          object[key] = nil
          model[key] = nil
          order.removeAll { $0 == key }
        } else {
          let value = JSON.int(RandomJSON.integer(using: &generator))
          object[key] = value
          if model.updateValue(value, forKey: key) == nil { order.append(key) }
        }
        #expect(object.keys == order, "seed \(seed)")
        #expect(object.allSatisfy { model[$0.key] == $0.value && object[$0.key] == $0.value }, "seed \(seed)")
      }
    }
  }
}
