// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// The generator and the tree agree.
@Suite(.timeLimit(.minutes(2))) struct GeneratorTests {
  static func run(_ arguments: String) -> (status: Int32, output: String) {
    guard let pipe = popen("/usr/bin/python3 '\(Tree.root)/scripts/generate' \(arguments) 2>&1", "r") else {
      return (-1, "popen failed")
    }
    var output = ""
    var line = [CChar](repeating: 0, count: 4096)
    while fgets(&line, Int32(line.count), pipe) != nil {
      output += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    let status = pclose(pipe)
    return (status >> 8 & 0xFF, output)
  }

  @Test func whatIsGeneratedIsWhatIsCommitted() {
    let result = Self.run("--check")
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func aDifferenceIsFoundAndNamed() {
    withTemporaryDirectory { path in
      mkdir("\(path)/protocol", 0o755)
      mkdir("\(path)/protocol/v1", 0o755)
      writeFile("\(path)/protocol/v1/protocol.json", readFile("\(Tree.root)/protocol/v1/protocol.json"))
      #expect(Self.run("--root '\(path)'").status == 0)
      #expect(Self.run("--root '\(path)' --check").status == 0)
      writeFile("\(path)/protocol/v1/reference.md", Array("changed by hand".utf8))
      writeFile("\(path)/Sources/StorageProtocol/Generated/Stray.swift", Array("// stray".utf8))
      let result = Self.run("--root '\(path)' --check")
      #expect(result.status == 1)
      #expect(result.output.contains("protocol/v1/reference.md"))
      #expect(result.output.contains("is no longer generated: Sources/StorageProtocol/Generated/Stray.swift"))
    }
  }

  @Test(arguments: [
    #"s/"ref": "VmId"/"ref": "Nobody"/"#, #"s/"lock": "storage"/"lock": "none"/"#, #"s/@storage/@nothing/"#,
    #"s/"kind": "notification"/"kind": "request"/"#,
  ])
  func aWrongMetamodelIsRefused(_ edit: String) {
    withTemporaryDirectory { path in
      mkdir("\(path)/protocol", 0o755)
      mkdir("\(path)/protocol/v1", 0o755)
      writeFile("\(path)/protocol/v1/protocol.json", readFile("\(Tree.root)/protocol/v1/protocol.json"))
      #expect(system("sed -i '\(edit)' '\(path)/protocol/v1/protocol.json'") == 0)
      let result = Self.run("--root '\(path)'")
      #expect(result.status == 2, "\(result.output)")
    }
  }
}
