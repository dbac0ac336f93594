// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import StorageProtocol
import TestSupport
import Testing

/// Params and result of every method against vectors generated from the metamodel by other code than the types.
@Suite struct GeneratedTypesTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let method: MethodDescription
    let part: String
    let valid: [JSON]
    let invalid: [(value: JSON, pointer: String)]

    var testDescription: String { "\(method.name) \(part)" }

    func read(_ value: JSON) throws(JSONError) -> JSON {
      part == "params" ? try method.normalizedParams(value) : try method.normalizedResult(value)
    }
  }

  static let cases: [Case] = {
    var cases: [Case] = []
    for group in Set(MethodTable.all.map(\.annotations.group)).sorted() {
      guard let vectors = try? Tree.vectors("generated/\(group)") else { fatalError("no vectors for \(group)") }
      for vector in vectors {
        guard let name = vector["method"]?.stringValue, let method = MethodTable[name],
          let part = vector["part"]?.stringValue
        else { fatalError("a vector of \(group) names no method") }
        let invalid = (vector["invalid"]?.arrayValue ?? []).map {
          ($0["value"] ?? .null, $0["pointer"]?.stringValue ?? "?")
        }
        cases.append(Case(method: method, part: part, valid: vector["valid"]?.arrayValue ?? [], invalid: invalid))
      }
    }
    return cases
  }()

  @Test func everyMethodHasVectors() {
    let params = Set(Self.cases.filter { $0.part == "params" }.map(\.method.name))
    #expect(params == Set(MethodTable.all.map(\.name)))
    let results = Set(Self.cases.filter { $0.part == "result" }.map(\.method.name))
    #expect(results == Set(MethodTable.all.filter { $0.kind == .request }.map(\.name)))
  }

  @Test(arguments: cases) func readsAndWritesWhatIsValid(_ item: Case) throws {
    #expect(!item.valid.isEmpty)
    for value in item.valid {
      #expect(try item.read(value) == value)
      // Members of a later version are no obstacle, and do not come through.
      var later = try value.object()
      later["memberOfTheFuture"] = ["anything": [1, 2]]
      #expect(try item.read(.object(later)) == value)
    }
  }

  @Test(arguments: cases) func anOptionalMemberThatIsNullIsAbsent(_ item: Case) throws {
    let minimal = try item.valid[0].object()
    for member in try item.valid[1].object() where !minimal.has(member.key) {
      var withNull = minimal
      withNull[member.key] = .null
      #expect(try item.read(.object(withNull)) == .object(minimal), "\(member.key)")
    }
  }

  /// Whatever comes in is read or refused; what is read reads again as itself.
  @Test func anyJSONIsReadOrRefused() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<3000 {
      let item = Self.cases[Int.random(in: 0..<Self.cases.count, using: &generator)]
      guard case .object(var object) = item.valid[Int.random(in: 0...1, using: &generator)] else { continue }
      let donor = Self.cases[Int.random(in: 0..<Self.cases.count, using: &generator)].valid[1]
      for key in object.keys where generator.oneIn(3) {
        let values = donor.objectValue.map { $0.map(\.value) } ?? []
        object[key] = values.randomElement(using: &generator) ?? .null
      }
      guard let read = try? item.read(.object(object)) else { continue }
      #expect(try item.read(read) == read, "seed \(seed): \(item.testDescription) of \(object)")
    }
  }

  @Test(arguments: cases) func refusesWhatIsInvalidAndSaysWhere(_ item: Case) throws {
    #expect(!item.invalid.isEmpty)
    for (value, pointer) in item.invalid {
      do throws(JSONError) {
        _ = try item.read(value)
        Issue.record("\(item.testDescription) accepts \(value) though \(pointer) is wrong")
      } catch {
        #expect(error.path.pointer == pointer, "\(item.testDescription): \(error) for \(value)")
      }
    }
  }

  /// The generated JSON Schemas agree with the generated Swift types, whoever reads first.
  @Test func theSchemaBundleAgreesWithTheTypes() throws {
    let bundle = try Tree.json("protocol/v1/schema/bundle.json")
    let definitions = try bundle.member("$defs")
    for item in Self.cases {
      let path = JSONPath(["$defs", "\(item.method.name).\(item.part)"])
      let schema = try JSONSchema(["$ref": .string("#\(path.pointer)"), "$defs": definitions])
      for value in item.valid { #expect(schema.violations(of: value).map(\.description) == []) }
      for (value, pointer) in item.invalid {
        #expect(!schema.accepts(value), "the schema of \(item.testDescription) accepts \(value), wrong at \(pointer)")
      }
    }
  }

  @Test func integersBeyondDoublesSurvive() throws {
    let params = try VolumeResize.params(size: 9_007_199_254_740_993)
    #expect(params.size == 9_007_199_254_740_993)
    let text = params.json().text()
    #expect(try VolumeResizeParams(json: JSON.parse(text)).size == 9_007_199_254_740_993)
  }
}

private typealias VolumeResizeParams = StorageProtocol.VolumeResize.Params

private enum VolumeResize {
  static func params(size: Int64) throws -> VolumeResizeParams {
    VolumeResizeParams(storeid: "local", scfg: [:], volname: "100/vm-100-disk-0.raw", size: size, running: false)
  }
}
