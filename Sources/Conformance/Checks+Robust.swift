// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

extension Check {
  /// Replays, crashes, load.
  static let robust: [Check] = [
    Check(
      "robust.replay", "The same key has the same result and no second effect", clause: "Idempotency", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = bench.type.defaultFormat
      let params = bench.allocation(bench.freshName(format), format)
      let context: JSONObject = ["idempotencyKey": .string(bench.key())]
      let first = try bench.result("alloc_image", params, context: context)
      let second = try bench.result("alloc_image", params, context: context)
      try require(first["volname"] == second["volname"], "the same key made another volume")
      try require(try bench.imageNames().count == 1, "the storage holds \(try bench.imageNames())")
      try bench.fault("alloc_image", params, .volumeExists)
    },
    Check(
      "robust.replay-after-crash", "The same key has the same result after kill -9", clause: "Idempotency",
      level: .robust
    ) { (bench) throws(CheckStop) in
      let format = bench.type.defaultFormat
      let params = bench.allocation(bench.freshName(format), format)
      let context: JSONObject = ["idempotencyKey": .string(bench.key())]
      let first = try bench.result("alloc_image", params, context: context)
      try bench.kill()
      let second = try bench.result("alloc_image", params, context: context)
      try require(first["volname"] == second["volname"], "the same key made another volume")
      try require(try bench.imageNames().count == 1, "the storage holds \(try bench.imageNames())")
    },
    Check(
      "robust.key-conflict", "The same key with other arguments is refused", clause: "Idempotency", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = bench.type.defaultFormat
      if bench.size(format) == 0 { throw .skipped("the default format has no size to vary") }
      let name = bench.freshName(format)
      let context: JSONObject = ["idempotencyKey": .string(bench.key())]
      try bench.result("alloc_image", bench.allocation(name, format), context: context)
      try bench.fault(
        "alloc_image", bench.allocation(name, format, size: 1 << 20), context: context, .idempotencyConflict)
    },
    Check(
      "robust.kill-alloc", "kill -9 at any moment of alloc_image leaves all or nothing; the same request settles it",
      clause: "Crashes", level: .robust
    ) { (bench) throws(CheckStop) in
      var made = 0
      for format in bench.type.formats {
        for delay in [0, 2, 5, 10, 20, 40, 80] {
          let name = bench.freshName(format)
          let context: JSONObject = ["idempotencyKey": .string(bench.key())]
          let params = bench.allocation(name, format)
          _ = try bench.start("alloc_image", params, context: context)
          try bench.session().run(for: .milliseconds(delay))
          try bench.kill()
          if try bench.exists(name) {
            let size = try bench.result("volume_size_info", ["volname": .string(name)])["size"]?.intValue ?? -1
            try require(size >= bench.size(format), "\(name) is half-made: \(size) bytes")
          }
          try bench.result("alloc_image", params, context: context)
          made += 1
          try require(try bench.imageNames().count == made, "the storage holds \(try bench.imageNames())")
        }
      }
    },
    Check(
      "robust.kill-free", "kill -9 at any moment of free_image leaves all or nothing; asking again settles it",
      clause: "Crashes", level: .robust
    ) { (bench) throws(CheckStop) in
      for delay in [0, 2, 5, 10, 20] {
        let name = try bench.alloc()
        _ = try bench.start("free_image", ["volname": .string(name)])
        try bench.session().run(for: .milliseconds(delay))
        try bench.kill()
        try bench.result("free_image", ["volname": .string(name)])
        try require(try !bench.exists(name), "\(name) exists after free_image")
        try require(try bench.imageNames().isEmpty, "the storage lists \(try bench.imageNames())")
      }
    },
    Check(
      "robust.pair", "Two volumes made at once are two volumes", clause: "Concurrency", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = bench.type.defaultFormat
      var pending: [(String, Int64)] = []
      for number in 0..<8 {
        let name = bench.freshName(format)
        let lock: JSONObject = [
          "name": .string("volume/\(number)"), "scope": "volume", "token": 1, "ttlMs": 60_000,
        ]
        let params = bench.allocation(name, format)
        pending.append((name, try bench.start("alloc_image", params, context: ["lock": .object(lock)])))
      }
      for (name, id) in pending {
        guard case .result = try bench.finish("alloc_image", id) else { throw .failed("\(name) was refused") }
      }
      try require(Set(try bench.imageNames()) == Set(pending.map(\.0)), "the storage lists \(try bench.imageNames())")
    },
    Check(
      "robust.one-winner", "One name asked for twice at once is made once", clause: "Concurrency", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = bench.type.defaultFormat
      let name = bench.freshName(format)
      var pending: [Int64] = []
      for number in 0..<4 {
        let lock: JSONObject = [
          "name": .string("volume/\(number)"), "scope": "volume", "token": 1, "ttlMs": 60_000,
        ]
        pending.append(
          try bench.start("alloc_image", bench.allocation(name, format), context: ["lock": .object(lock)]))
      }
      var winners = 0
      for id in pending {
        switch try bench.finish("alloc_image", id) {
        case .result: winners += 1
        case .error(let fault): try require(fault.code == .volumeExists, "a loser was told \(fault)")
        }
      }
      try require(winners == 1, "\(winners) requests made the one name")
      try require(try bench.imageNames() == [name], "the storage lists \(try bench.imageNames())")
    },
    Check(
      "robust.end-of-input-at-work", "The end of input in the middle of work ends it cleanly in 5 s",
      clause: "Lifecycle", level: .robust
    ) { (bench) throws(CheckStop) in
      try bench.need("volume_import")
      let format = bench.type.formats.first { $0 == "raw" } ?? bench.type.defaultFormat
      let name = bench.freshName(format)
      let stream = try bench.stream(.import, source: Array(rawStream(1 << 20).prefix(600_000)))
      stream.staysOpen = true
      let session = try bench.session()
      _ = try bench.start("volume_import", importParams(name, "raw+size", stream))
      try session.wait("the reading of the stream") { stream.count > 300_000 }
      session.closeInput()
      try require(
        try session.waitForExit(within: .seconds(5)) != nil, "something of the plugin lives 5 s after the end of input")
      bench.stop()
      try require(try !bench.exists(name), "\(name) exists half-made")
    },
  ]
}
