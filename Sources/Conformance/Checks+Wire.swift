// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import PluginSandbox
internal import StorageProtocol

extension Check {
  /// Handshake and life of a session.
  static let lifecycle: [Check] = [
    Check(
      "sandbox.starts", "The plugin starts in the sandbox with what its manifest asks for, and nothing else",
      clause: "Manifest", level: .core, isDecisive: true
    ) { (bench) throws(CheckStop) in
      _ = try bench.launch()
    },
    Check(
      "handshake.facts", "initialize repeats the manifest's facts", clause: "Lifecycle", level: .core, isDecisive: true
    ) { (bench) throws(CheckStop) in
      let session = try bench.launch()
      let id = try session.start("initialize", .object(bench.initializeParams()))
      guard case .result(let json) = try bench.finish("initialize", id) else { throw .failed("initialize was refused") }
      let manifest = bench.manifest
      try require(json["plugin"]?["id"]?.stringValue == manifest.id, "plugin.id differs from the manifest")
      try require(json["plugin"]?["version"]?.stringValue == manifest.version, "plugin.version differs")
      try require(json["concurrency"]?.stringValue == manifest.concurrency.rawValue, "concurrency differs")
      try require(json["fencing"]?.stringValue == manifest.fencing.rawValue, "fencing differs")
      let methods = Set((json["methods"]?.arrayValue ?? []).compactMap(\.stringValue))
      try require(methods == manifest.methods, "methods differ from the manifest")
      try require(json["protocol"]?.stringValue == "1.0", "the protocol chosen is not the one both speak")
    },
    Check(
      "handshake.first", "Nothing is served before initialize", clause: "Lifecycle", level: .core
    ) { (bench) throws(CheckStop) in
      let session = try bench.launch()
      let id = try session.start("status", bench.params("status", [:]))
      guard case .error(let fault) = try session.answer(id), fault.code == .notInitialized else {
        throw .failed("status before initialize was not refused with NOT_INITIALIZED")
      }
      try bench.greet(session)
    },
    Check(
      "handshake.no-common-version", "A host of another age is told so", clause: "Versions", level: .core
    ) { (bench) throws(CheckStop) in
      let session = try bench.launch()
      let params = bench.initializeParams(protocolRange: ("900.0", "900.9"))
      let id = try session.start("initialize", .object(params))
      guard case .error(let fault) = try session.answer(id), fault.code == .unsupportedProtocol else {
        throw .failed("a host that speaks 900.0 to 900.9 only was not refused with UNSUPPORTED_PROTOCOL")
      }
    },
    Check(
      "handshake.newer-host", "A newer host that still speaks 1.0 is served in silence, unknown members and all",
      clause: "Versions", level: .core
    ) { (bench) throws(CheckStop) in
      let session = try bench.launch()
      var params = bench.initializeParams(protocolRange: ("1.0", "1.99"))
      params["future"] = ["x": [1, 2, 3]]
      let id = try session.start("initialize", .object(params))
      guard case .result(let json) = try bench.finish("initialize", id) else {
        throw .failed("a host that also speaks newer versions was refused")
      }
      let highest = "\(bench.manifest.protocolVersions.max)"
      try require(json["protocol"]?.stringValue == highest, "the version chosen is not the highest common one")
    },
    Check(
      "lifecycle.shutdown", "shutdown is answered and refuses new work; the end of input ends the plugin in 5 s",
      clause: "Lifecycle", level: .core
    ) { (bench) throws(CheckStop) in
      let session = try bench.session()
      guard case .result = try session.answer(try session.start("shutdown", [:])) else {
        throw .failed("shutdown was refused")
      }
      guard case .error(let fault) = try session.answer(try session.start("status", bench.params("status", [:]))),
        fault.code == .shuttingDown
      else { throw .failed("work after shutdown was not refused with SHUTTING_DOWN") }
      session.closeInput()
      try require(try session.waitForExit(within: .seconds(5)) != nil, "the plugin lives 5 s after the end of input")
    },
    Check(
      "lifecycle.end-of-input", "The end of input alone ends the plugin, and all it started, in 5 s with status 0",
      clause: "Lifecycle", level: .core
    ) { (bench) throws(CheckStop) in
      let session = try bench.session()
      session.closeInput()
      guard let status = try session.waitForExit(within: .seconds(5)) else {
        throw .failed("something of the plugin lives 5 s after the end of input")
      }
      try require(status == .exited(0), "the plugin \(status)")
    },
    Check(
      "lifecycle.unknown-feature", "A required feature the plugin does not know is refused before anything is done",
      clause: "Versions", level: .core
    ) { (bench) throws(CheckStop) in
      let fault = try bench.fault("status", context: ["require": ["org.example.unheard-of"]], .unsupportedFeature)
      try require(fault.outcome == "not_started", "the outcome is \(fault.outcome)")
    },
  ]

  /// Lines the plugin must not act upon, and must survive. Each would be a good `status` but for the one fault: `usual`
  /// stands for the members a good one has in its params.
  private static let refusedLines: [(id: String, title: String, line: @Sendable (_ usual: String) -> [UInt8])] = [
    ("not-json", "a line that is no JSON", { (_) in Array("nonsense".utf8) }),
    ("content-length", "the framing of another protocol", { (_) in Array("Content-Length: 2".utf8) }),
    ("batch", "a batch", { usual in [0x5b] + request("\"id\":77", usual) + [0x5d] }),
    ("duplicate-names", "a name given twice", { usual in request("\"id\":77,\"id\":78", usual) }),
    ("nul", "NUL in a string", { usual in request("\"id\":77", usual + ",\"x\":\"a\\u0000b\"") }),
    ("surrogate", "half a surrogate pair", { usual in request("\"id\":77", usual + ",\"x\":\"\\ud800\"") }),
    (
      "utf8", "bytes that are no UTF-8",
      { usual in
        var line = request("\"id\":77", usual + ",\"x\":\"??\"")
        for place in line.indices where line[place] == UInt8(ascii: "?") { line[place] = 0xff }
        return line
      }
    ),
    (
      "depth", "more than 64 levels",
      { usual in
        let nest = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
        return request("\"id\":77", usual + ",\"x\":" + nest)
      }
    ),
    ("deep", "100,000 levels", { (_) in Array(String(repeating: "[", count: 100_000).utf8) }),
    (
      "integer", "an integer beyond 64 bits",
      { usual in request("\"id\":77", usual + ",\"x\":9223372036854775808") }
    ),
    ("no-number", "NaN", { usual in request("\"id\":77", usual + ",\"x\":NaN") }),
    (
      "no-version", "a message without jsonrpc 2.0",
      { usual in Array("{\"id\":77,\"method\":\"status\",\"params\":{\(usual)}}".utf8) }
    ),
    (
      "oversize", "a message beyond maxMessageBytes",
      { usual in request("\"id\":77", usual + ",\"x\":\"" + String(repeating: "x", count: 5 << 20) + "\"") }
    ),
  ]

  private static func request(_ head: String, _ params: String) -> [UInt8] {
    Array("{\"jsonrpc\":\"2.0\",\(head),\"method\":\"status\",\"params\":{\(params)}}".utf8)
  }

  /// Framing and limits.
  static let framing: [Check] =
    refusedLines.map { (id, title, line) in
      Check(
        "framing.\(id)", "The plugin survives \(title) and does not act on it", clause: "Framing", level: .core
      ) { (bench) throws(CheckStop) in
        let session = try bench.session()
        let before = session.strayAnswers.count
        let usual = "\"storeid\":\"\(bench.storeid)\",\"scfg\":\(JSON.object(bench.scfg).text())"
        try session.send(line(usual) + [0x0a])
        try bench.result("status")
        for answer in session.strayAnswers[before...] {
          try require(answer["error"] != nil, "the line was acted upon: \(answer.text().prefix(200))")
        }
      }
    } + [
      Check(
        "framing.portions", "A message may come in any portions, with CR before LF, after empty lines",
        clause: "Framing", level: .core
      ) { (bench) throws(CheckStop) in
        let session = try bench.session()
        for portions in [1, 9, 1000] {
          let id = try session.start("status", bench.params("status", [:]), portions: portions)
          guard case .result = try bench.finish("status", id) else { throw .failed("status was refused") }
        }
      },
      Check(
        "framing.unknown-method", "A method the plugin does not have is -32601", clause: "Errors", level: .core
      ) { (bench) throws(CheckStop) in
        let session = try bench.session()
        guard case .error(let fault) = try session.answer(try session.start("no_such_method", [:])),
          fault.code == .methodNotFound
        else { throw .failed("an unknown method was not refused with METHOD_NOT_FOUND") }
      },
      Check(
        "framing.unknown-notification", "Unknown notifications and cancels of nothing are ignored", clause: "Cancel",
        level: .core
      ) { (bench) throws(CheckStop) in
        let session = try bench.session()
        try session.notify("future/notification", ["x": 1])
        try session.notify("$/cancel", ["id": 123_456_789])
        try session.notify("$/cancel", ["id": "x", "more": true])
        try bench.result("status")
      },
      Check(
        "framing.unknown-members", "Unknown members are ignored everywhere", clause: "Versions", level: .core
      ) { (bench) throws(CheckStop) in
        try bench.result("status", ["future": ["deep": [1, "x"]]], context: ["tomorrow": 1])
      },
      Check(
        "framing.one-answer", "200 requests at once get 200 answers, each one", clause: "Framing", level: .core
      ) { (bench) throws(CheckStop) in
        let session = try bench.session()
        let before = session.strayAnswers.count
        var pending: [Int64] = []
        for _ in 0..<200 { pending.append(try session.start("status", bench.params("status", [:]))) }
        for id in pending {
          if case .error(let fault) = try session.answer(id), fault.code != .overloaded {
            throw .failed("status was refused: \(fault)")
          }
        }
        try session.run(for: .milliseconds(100))
        try require(session.strayAnswers.count == before, "there are answers to nothing")
      },
      Check(
        "limits.integers", "Integers are exact to 64 bits: 2^53 + 1 is not 2^53", clause: "Framing", level: .core
      ) { (bench) throws(CheckStop) in
        guard bench.manifest.fencing != .none else { throw .skipped("seen through fencing, which the plugin has not") }
        let lock: JSONObject = ["name": "volume/exact", "scope": "volume", "ttlMs": 60_000]
        var high = lock
        var low = lock
        high["token"] = .int((1 << 53) + 1)
        low["token"] = .int(1 << 53)
        let name = bench.freshName(bench.type.defaultFormat)
        try bench.result("free_image", ["volname": .string(name)], context: ["lock": .object(high)])
        try bench.fault("free_image", ["volname": .string(name)], context: ["lock": .object(low)], .staleFence)
      },
      Check(
        "limits.reals", "A real number where an integer is meant is refused", clause: "Framing", level: .core
      ) { (bench) throws(CheckStop) in
        let format = bench.type.defaultFormat
        let name = bench.freshName(format)
        for size: JSON in [1.5, 8_388_608.0, "8388608", true, nil] {
          var params = bench.allocation(name, format)
          params["size"] = size
          try bench.fault("alloc_image", params, .invalidParams)
          try require(try !bench.exists(name), "a volume was made for size \(size.text())")
        }
      },
    ]
}
