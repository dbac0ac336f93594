// swift-tools-version:6.2
// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// The house, one room a module; imports point down only (docs/modules.md, checked by ArchitectureTests).
// BERTH_LAYER=protocol|plugins|host builds only what stands at or below that layer: the lower rooms need neither
// NIO nor SQLite, so their tests run after seconds instead of minutes.
enum Layer: Int {
  case `protocol`, plugins, host, all
  static let wanted: Layer =
    switch Context.environment["BERTH_LAYER"] {
    case "protocol": .protocol
    case "plugins": .plugins
    case "host": .host
    default: .all
    }
}

let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let cSettings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

struct Room {
  var layer: Layer
  var targets: [Target]
}

/// A library module, with its tests in `Tests/<name>Tests`.
func module(
  _ layer: Layer, _ name: String, _ dependencies: [Target.Dependency], tests: [Target.Dependency]? = [],
  exclude: [String] = [], testExclude: [String] = []
) -> Room {
  var targets: [Target] = [
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
  ]
  if let tests {
    targets.append(
      .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies + tests,
        exclude: testExclude, swiftSettings: settings))
  }
  return Room(layer: layer, targets: targets)
}

func program(_ layer: Layer, _ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Room {
  Room(
    layer: layer,
    targets: [.executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)])
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

// A program in C alone: static, and without the start of the Swift runtime, which would pull in five megabytes of it.
let staticC: [LinkerSetting] = [.unsafeFlags(["-static-executable", "-nostartfiles"])]

// The launcher is executed once a plugin where no server runs, and glibc asks the processor about itself at every start:
// a millisecond in a virtual machine, where that traps. musl (musl-dev) asks nothing.
#if arch(arm64)
  let architecture = "aarch64"
#else
  let architecture = "x86_64"
#endif
let muslHeaders: [CSetting] = [
  .unsafeFlags([
    "-nostdlibinc", "-isystem", "/usr/include/\(architecture)-linux-musl",
    // Headers of the kernel, which musl has none of.
    "-idirafter", "/usr/include/\(architecture)-linux-gnu", "-idirafter", "/usr/include",
  ])
]
let muslLibrary = "/usr/lib/\(architecture)-linux-musl"
let staticMusl: [LinkerSetting] = [
  .unsafeFlags(
    ["-static-executable", "-nostartfiles", "-Xclang-linker", "-nostdlib"]
      + ["crt1.o", "crti.o", "libc.a", "crtn.o"].map { "\(muslLibrary)/\($0)" } + ["-lgcc"])
]

let rooms: [Room] = [
  // MARK: C and system libraries
  Room(
    layer: .protocol,
    targets: [
      .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
      .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
      .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
      .target(name: "CShims", cSettings: cSettings),
      .executableTarget(
        name: "berth-launcher", cSettings: cSettings + [.headerSearchPath("../CShims/include")] + muslHeaders,
        linkerSettings: staticMusl),
      .executableTarget(
        name: "berth-broker", dependencies: ["CShims"], cSettings: cSettings,
        linkerSettings: staticC),
    ]),

  // MARK: Protocol
  module(.protocol, "JSON", ["CJansson"], testExclude: ["Vectors"]),
  module(.protocol, "JSONRPC", ["CShims", "JSON"], testExclude: ["Vectors"]),
  module(.protocol, "StorageProtocol", ["JSON", "JSONRPC"], testExclude: ["Vectors"]),
  module(
    .protocol, "StorageRules", ["JSON", "StorageProtocol"], testExclude: ["Vectors"]),
  module(.protocol, "StoragePluginKit", ["CShims", "JSON", "JSONRPC", "StorageProtocol"], tests: ["kit-plugin"]),
  program(.protocol, "kit-plugin", ["JSON", "StoragePluginKit", "StorageProtocol"], path: "Tests/KitPlugin"),

  // MARK: Plugins
  module(
    .protocol, "PluginSandbox", ["CSeccomp", "CShims", "JSON", "StorageProtocol"], tests: ["berth-launcher"]),
  module(.protocol, "ClusterLocks", ["CShims", "JSON", "StorageProtocol"]),
  module(
    .plugins, "StorageConfig", ["CShims", "JSON", "StorageProtocol", "StorageRules", crypto],
    testExclude: ["Vectors"]),
  module(
    .plugins, "PluginSupervisor",
    ["CShims", "CZlib", "JSON", "JSONRPC", "PluginSandbox", "StorageProtocol", crypto, logging],
    tests: ["StoragePluginKit", "berth-launcher"]),
  module(
    .plugins, "Broker", ["CShims", "JSON", "PluginSandbox", "StorageProtocol", logging],
    tests: ["berth-broker", "berth-launcher"]),
  module(
    .plugins, "Conformance",
    ["CShims", "CZlib", "JSON", "PluginSandbox", "PluginSupervisor", "StorageProtocol", crypto],
    tests: ["berth-launcher", "kit-plugin"]
  ),

  // MARK: Host
  module(.host, "Jobs", ["JSON", "StorageProtocol", grdb, logging]),
  module(
    .host, "StorageHost",
    [
      "Broker", "CShims", "ClusterLocks", "JSON", "JSONRPC", "Jobs", "PluginSandbox", "PluginSupervisor",
      "StorageConfig", "StorageProtocol", "StorageRules", crypto, logging,
    ], tests: ["berth-broker", "berth-launcher"]),

  // MARK: Management
  module(.all, "ManagementTypes", ["JSON"]),
  module(
    .all, "ManagementAPI",
    [
      "CShims", "JSON", "JSONRPC", "Jobs", "ManagementTypes", "PluginSupervisor", "StorageHost", "StorageProtocol",
      hummingbird, logging, metrics, nioCore, nioPosix, serviceLifecycle,
    ],
    tests: [hummingbirdTesting]),
  module(
    .all, "BerthClient", ["CShims", "JSON", "ManagementTypes", asyncHTTPClient, nioCore, nioHTTP1, nioPosix]),

  // MARK: Programs
  program(
    .all, "berth",
    [
      "BerthClient", "CShims", "Conformance", "JSON", "ManagementTypes", "PluginSandbox", "StorageConfig",
      "StorageProtocol", "StorageRules", argumentParser, nioCore, nioPosix,
    ]),
  program(
    .all, "berthd",
    [
      "CShims", "ClusterLocks", "JSON", "Jobs", "ManagementAPI", "PluginSandbox", "PluginSupervisor", "StorageConfig",
      "StorageHost", "StorageProtocol", argumentParser, logging, metrics, serviceLifecycle, unixSignals,
    ]),
  program(.all, "berth-conformance", ["Conformance", "PluginSandbox", "PluginSupervisor", argumentParser]),

  // MARK: Tests over everything
  Room(
    layer: .protocol,
    targets: [
      .target(
        name: "TestSupport", dependencies: ["CShims", "JSON"], path: "Tests/TestSupport", swiftSettings: settings)
    ]),
  Room(
    layer: .all,
    targets: [
      .testTarget(name: "ArchitectureTests", dependencies: ["JSON", "TestSupport"], swiftSettings: settings),
      .testTarget(
        name: "EndToEndTests",
        dependencies: [
          "BerthClient", "CShims", "JSON", "ManagementTypes", "PluginSandbox", "TestSupport", "berth", "berth-launcher",
          "berthd",
          nioCore,
        ],
        swiftSettings: settings),
    ]),

  // MARK: Benchmarks
  Room(
    layer: .plugins,
    targets: [
      .executableTarget(
        name: "bench-peer", dependencies: ["CZlib"], path: "Benchmarks/bench-peer", cSettings: cSettings),
      .target(
        name: "BenchSupport", dependencies: ["CShims"], path: "Benchmarks/support", swiftSettings: settings),
      .executableTarget(
        name: "bench",
        dependencies: [
          "BenchSupport", "CShims", "ClusterLocks", "JSON", "JSONRPC", "PluginSandbox", "PluginSupervisor",
          "StoragePluginKit", "StorageProtocol", "bench-peer", "berth-launcher", logging,
        ], path: "Benchmarks/bench", swiftSettings: settings),
    ]),
  program(
    .all, "bench-host",
    [
      "BenchSupport", "BerthClient", "CShims", "JSON", "ManagementTypes", "bench-peer", "berth", "berth-launcher",
      "berthd",
    ],
    path: "Benchmarks/bench-host"),
]

let dependencies: [(Layer, Package.Dependency)] = [
  (.all, .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0")),
  (.host, .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0")),
  (.all, .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: [])),
  (.all, .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")),
  (.plugins, .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0")),
  (.plugins, .package(url: "https://github.com/apple/swift-log", from: "1.16.0")),
  (.all, .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0")),
  (.all, .package(url: "https://github.com/apple/swift-nio", from: "2.101.0")),
  (.all, .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0")),
]

// BERTH_TESTS=PluginSupervisorTests,… leaves the other test targets out of `swift test`, which builds all there are.
let wantedTests = Context.environment["BERTH_TESTS"].map { $0.split(separator: ",").map(String.init) }

let package = Package(
  name: "berth",
  dependencies: dependencies.filter { $0.0.rawValue <= Layer.wanted.rawValue }.map(\.1),
  targets: rooms.filter { $0.layer.rawValue <= Layer.wanted.rawValue }.flatMap(\.targets)
    .filter { target in target.type != .test || wantedTests?.contains(target.name) ?? true },
  swiftLanguageModes: [.v6]
)
