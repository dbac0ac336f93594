// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@Suite("Typed values from JSON and back")
struct CodingTests {
  enum Format: String, CaseIterable, JSONDecodable, JSONEncodable { case raw, qcow2 }

  struct Volume: Hashable, JSONDecodable, JSONEncodable {
    var name: String
    var size: Int64
    var format: Format
    var parent: String?
    var tags: [String]

    init(json: JSON, path: JSONPath) throws(JSONError) {
      let members = try json.object(at: path)
      name = try members.required("name", at: path)
      size = try members.required("size", at: path)
      format = try members.required("format", at: path)
      parent = try members.optional("parent", at: path)
      tags = try members.optional("tags", at: path, default: [])
    }

    func json() -> JSON {
      var members = JSONObject()
      members.set("name", name)
      members.set("size", size)
      members.set("format", format)
      members.setOptional("parent", parent)
      members.set("tags", tags)
      return .object(members)
    }
  }

  private func error(_ text: String) -> JSONError? {
    #expect(throws: JSONError.self) { try JSON.parse(text).decode(as: [Volume].self) }
  }

  @Test("a value survives")
  func survives() throws {
    let text = #"[{"name":"vm-100-disk-0","size":9223372036854775807,"format":"qcow2","tags":["a/b"]}]"#
    let volumes: [Volume] = try JSON.parse(text).decode()
    #expect(volumes.json().text() == text)
  }

  @Test("an error says where and what, without quoting the value")
  func errors() {
    #expect(
      error(#"[{"name":"x","size":1.0,"format":"raw"}]"#)?.description
        == "/0/size: must be an integer, is a real number")
    #expect(
      error(#"[{"name":"x","size":1,"format":"secret"}]"#)?.description == "/0/format: must be one of: raw, qcow2")
    #expect(error(#"[{"size":1,"format":"raw"}]"#)?.description == "/0/name: is missing")
    #expect(error(#"[{"name":"x","size":1,"format":"raw","tags":[1]}]"#)?.path.pointer == "/0/tags/0")
    #expect(error(#"[{"name":null,"size":1,"format":"raw"}]"#)?.message == "must be a string, is null")
    #expect(error("{}")?.description == "must be an array, is an object")
  }

  @Test("integers keep to the range of their type", arguments: ["256", "-1", "1e2", "\"1\""])
  func ranges(text: String) throws {
    #expect(throws: JSONError.self) { try JSON.parse(text).decode(as: UInt8.self) }
    #expect(try JSON.parse("255").decode(as: UInt8.self) == 255)
  }

  @Test("unknown members are refused where asked, naming the first")
  func unknownMembers() throws {
    let object: JSONObject = ["a": 1, "b/c": 2]
    try object.refuseUnknown(except: ["a", "b/c"])
    let error = #expect(throws: JSONError.self) { try object.refuseUnknown(except: ["a"]) }
    #expect(error?.path.pointer == "/b~1c")
  }

  @Test("paths are JSON Pointers", arguments: ["", "/", "/a/b", "/a~1b/~0", "/0/", "/ü"])
  func pointers(text: String) {
    #expect(JSONPath(pointer: text)?.pointer == text)
  }

  @Test("what is no JSON Pointer is refused", arguments: ["a", "a/b", "/~", "/~2"])
  func badPointers(text: String) { #expect(JSONPath(pointer: text) == nil) }

  @Test("a pointer leads to its value")
  func lookup() throws {
    let value: JSON = ["a": [1, ["b/c": true]]]
    #expect(value[pointer: JSONPath(["a", "1", "b/c"])] == true)
    #expect(value[pointer: JSONPath(["a", "2"])] == nil)
    #expect(value[pointer: .root] == value)
  }

  @Test("descriptions are bounded and secrets can be taken out")
  func printing() {
    let long: JSON = ["text": .string(String(repeating: "ü", count: 10_000))]
    #expect(long.description.utf8.count < 600)
    #expect(long.description.contains("20011 bytes"))
    let secret: JSON = ["user": "root", "list": [["password": "hunter2"]]]
    #expect(secret.redacted(["password"]).text() == #"{"user":"root","list":[{"password":"‹redacted›"}]}"#)
  }

  @Test("the pretty style is for people")
  func pretty() {
    let value: JSON = ["a": [1, []], "b": [:]]
    #expect(value.text(.pretty) == "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": {}\n}")
  }

  @Test("a real that is not finite is written as null")
  func notFinite() { #expect(JSON.array([.double(.nan), .double(.infinity)]).text() == "[null,null]") }
}
