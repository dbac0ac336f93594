// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The house of docs/modules.md: a module imports only what stands below it.
@Suite("Architecture")
struct ImportsPointDownTests {
  /// What each room may import of the project's own and of other packages, besides the standard library and Glibc.
  static let allowed: [String: Set<String>] = [
    "JSON": ["CJansson"],
    "JSONRPC": ["CShims", "JSON"],
    "StorageProtocol": ["JSON", "JSONRPC"],
    "StorageRules": ["JSON", "StorageProtocol"],
    "StoragePluginKit": ["CShims", "JSON", "JSONRPC", "StorageProtocol"],
    "PluginSandbox": ["CSeccomp", "CShims", "JSON", "StorageProtocol"],
    "ClusterLocks": ["CShims", "JSON", "StorageProtocol"],
    "StorageConfig": ["CShims", "Crypto", "JSON", "StorageProtocol", "StorageRules"],
    "PluginSupervisor": [
      "CShims", "CZlib", "Crypto", "JSON", "JSONRPC", "Logging", "PluginSandbox", "StorageProtocol",
    ],
    "Conformance": ["CShims", "CZlib", "Crypto", "JSON", "PluginSandbox", "PluginSupervisor", "StorageProtocol"],
    "Broker": ["CShims", "JSON", "Logging", "PluginSandbox", "StorageProtocol"],
    "Jobs": ["GRDB", "JSON", "Logging", "StorageProtocol"],
    "StorageHost": [
      "Broker", "CShims", "ClusterLocks", "JSON", "JSONRPC", "Jobs", "Logging", "PluginSandbox", "PluginSupervisor",
      "StorageConfig",
      "StorageProtocol", "StorageRules", "Crypto",
    ],
    "ManagementTypes": ["JSON"],
    "ManagementAPI": [
      "CShims", "CoreMetrics", "HTTPTypes", "Hummingbird", "JSON", "JSONRPC", "Jobs", "Logging", "ManagementTypes",
      "Metrics", "NIOCore", "NIOPosix", "PluginSupervisor", "ServiceLifecycle", "StorageHost", "StorageProtocol",
    ],
    "BerthClient": ["AsyncHTTPClient", "CShims", "JSON", "ManagementTypes", "NIOCore", "NIOHTTP1", "NIOPosix"],
    "berth": [
      "ArgumentParser", "BerthClient", "CShims", "Conformance", "JSON", "ManagementTypes", "NIOCore", "NIOPosix",
      "PluginSandbox", "StorageConfig", "StorageProtocol", "StorageRules",
    ],
    "berthd": [
      "ArgumentParser", "CShims", "Jobs", "Logging", "ManagementAPI", "Metrics", "PluginSandbox", "ServiceLifecycle",
      "StorageHost", "StorageProtocol", "UnixSignals",
    ],
    "berth-conformance": ["ArgumentParser", "Conformance", "PluginSandbox", "PluginSupervisor"],
  ]

  static let system: Set<String> = ["Dispatch", "Glibc", "Synchronization"]
  /// Foundation enters only where the design lets it: databases, calendars and HTTP live there.
  static let foundation: Set<String> = ["Jobs", "ManagementAPI", "StorageHost"]

  @Test(arguments: allowed.keys.sorted())
  func importsPointDown(_ module: String) throws {
    let files = Checkout.files(under: "Sources/\(module)", ending: ".swift")
    try #require(!files.isEmpty)
    for file in files {
      for line in Checkout.text(file).split(separator: "\n") {
        guard let name = Self.imported(line) else { continue }
        let isAllowed =
          Self.system.contains(name) || Self.allowed[module]?.contains(name) == true
          || (name.hasPrefix("Foundation") && Self.foundation.contains(module))
        #expect(isAllowed, "\(file): \(line)")
      }
    }
  }

  @Test func everyModuleIsInTheTable() {
    let modules = Set(
      Checkout.files(under: "Sources", ending: ".swift").compactMap { $0.split(separator: "/").dropFirst().first })
    #expect(Set(modules.map(String.init)) == Set(Self.allowed.keys))
  }

  /// The module an import line names.
  static func imported(_ line: some StringProtocol) -> String? {
    let words = line.split(separator: " ")
    guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
      words[..<place].allSatisfy({ ["public", "internal", "package", "private"].contains($0) || $0.hasPrefix("@") })
    else { return nil }
    let kinds = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    let isOneSymbol = kinds.contains(String(words[place + 1])) && place + 2 < words.count
    let name = isOneSymbol ? words[place + 2] : words[place + 1]
    return String(name.prefix { $0 != "." })
  }
}
