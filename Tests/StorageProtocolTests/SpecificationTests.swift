// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import StorageProtocol
import TestSupport
import Testing

/// What the specification shows is what the protocol does.
@Suite struct SpecificationTests {
  static let transcript: [(isHost: Bool, message: JSON)] = {
    let text = String(decoding: readFile("\(Tree.root)/protocol/README.md"), as: UTF8.self)
    guard let block = text.split(separator: "```transcript\n", maxSplits: 1).last?.split(separator: "\n```").first
    else {
      fatalError("the specification has no transcript")
    }
    return block.split(separator: "\n").map { line in
      guard let json = try? JSON.parse(String(line.dropFirst(2))) else { fatalError("no JSON: \(line)") }
      return (line.hasPrefix("→"), json)
    }
  }()

  /// Every message of the worked transcript fits its method, every request is answered once, by the right side.
  @Test func theTranscriptIsASession() throws {
    var pending: [String: MethodDescription] = [:]
    var answered = 0
    for (isHost, message) in Self.transcript {
      #expect(message["jsonrpc"] == "2.0")
      if let name = message["method"]?.stringValue {
        let method = try #require(MethodTable[name], "\(name)")
        let direction: MethodAnnotations.Direction = isHost ? .hostToPlugin : .pluginToHost
        #expect(method.annotations.direction == direction || method.annotations.direction == .both, "\(name)")
        let params = try message.member("params")
        var known = try method.normalizedParams(params).object()
        known["context"] = params["context"]
        #expect(JSON.object(known) == params, "\(name) has members nobody knows")
        if let context = params["context"] { #expect(try CallContext(json: context).json() == context) }
        if method.annotations.mutating, method.annotations.direction == .hostToPlugin {
          #expect(params["context"]?["lock"]?["scope"]?.stringValue == method.annotations.lock.rawValue, "\(name)")
          #expect(params["context"]?["idempotencyKey"] != nil, "\(name)")
        }
        if let id = message["id"]?.intValue { pending["\(isHost)-\(id)"] = method }
      } else {
        let id = try #require(message["id"]?.intValue)
        let asked = pending.removeValue(forKey: "\(!isHost)-\(id)")
        let method = try #require(asked, "answer to nothing: \(id)")
        if let error = message["error"] {
          let known = try StorageError(json: error)
          #expect(known.json() == error)
          #expect(method.annotations.errors.contains(known.code), "\(method.name) may not answer \(known.code)")
        } else {
          let result = try message.member("result")
          #expect(try method.normalizedResult(result) == result, "\(method.name)")
        }
        answered += 1
      }
    }
    #expect(pending.isEmpty)
    #expect(answered == 10)
  }

  /// Every reference of the generated documents leads somewhere, every method is in the document of its side.
  @Test func theDocumentsAreWhole() throws {
    let bundle = try Tree.json("protocol/v1/schema/bundle.json")
    for name in ["schema/bundle", "schema/host-messages", "schema/plugin-messages", "openrpc-plugin", "openrpc-host"] {
      let document = try Tree.json("protocol/v1/\(name).json")
      var references = 0
      func visit(_ value: JSON) {
        switch value {
        case .array(let elements): elements.forEach(visit)
        case .object(let members):
          if let reference = members["$ref"]?.stringValue {
            references += 1
            let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let target = parts[0].isEmpty ? document : parts[0] == "bundle.json" ? bundle : .null
            let found = JSONPath(pointer: String(parts[1])).flatMap { target[pointer: $0] }
            #expect(found != nil, "\(name): \(reference)")
          }
          members.forEach { visit($0.value) }
        default: break
        }
      }
      visit(document)
      #expect(references > 10, "\(name)")
    }
    for (name, directions) in [
      ("openrpc-plugin", [MethodAnnotations.Direction.hostToPlugin, .both]), ("openrpc-host", [.pluginToHost, .both]),
    ] {
      let methods = try Tree.json("protocol/v1/\(name).json").member("methods").array()
      let wanted = MethodTable.all.filter { directions.contains($0.annotations.direction) && $0.annotations.onWire }
      #expect(methods.compactMap { $0["name"]?.stringValue } == wanted.map(\.name))
      for (method, entry) in zip(wanted, methods) {
        #expect((entry["result"] != nil) == (method.kind == .request), "\(method.name)")
      }
    }
  }

  static let samples: [String] = {
    guard let folder = opendir("\(Tree.root)/sample-plugins") else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if access("\(Tree.root)/sample-plugins/\(name)/manifest.json", F_OK) == 0 { names.append(name) }
    }
    return names.sorted()
  }()

  /// The manifest's schema and the manifest's reader agree on every sample plugin.
  @Test(arguments: samples) func sampleManifestsAreRight(_ name: String) throws {
    let manifest = try Tree.json("sample-plugins/\(name)/manifest.json")
    do throws(ManifestError) {
      _ = try PluginManifest(json: manifest)
    } catch {
      Issue.record("sample-plugins/\(name)/manifest.json:\n\(error)")
    }
    let schema = try JSONSchema(try Tree.json("protocol/v1/manifest.schema.json"))
    #expect(schema.violations(of: manifest).map(\.description) == [])
  }

  @Test func theManifestSchemaTakesWhatTheReaderTakes() throws {
    let schema = try JSONSchema(try Tree.json("protocol/v1/manifest.schema.json"))
    #expect(schema.violations(of: ManifestTests.full).map(\.description) == [])
    let looser: Set<String> = [
      // The reader also knows methods, members, references between parts, and numbers as texts.
      "/typo", "/executable", "/methods/0", "/permissions/fs/0/path", "/permissions/net/endpoints/0/port",
      "/permissions/net/host", "/permissions/capabilities", "/permissions/broker/0/operation",
      "/permissions/broker/0/limits", "/storageTypes/0/typo", "/storageTypes/0/content/default",
      "/storageTypes/0/formats/default", "/storageTypes/0/configSchema/required", "/protocol",
      "/storageTypes/0/configSchema/properties/port", "/storageTypes/0/configSchema/properties/port/x-fixed",
      "/storageTypes/0/configSchema/properties/password/type", "/profiles/pve-storage",
    ]
    for (pointer, value) in ManifestTests.faults where !looser.contains(pointer) {
      #expect(!schema.accepts(ManifestTests.changed(pointer, value)), "\(pointer)")
    }
  }
}
