// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import StorageProtocol

extension Check {
  /// Sends a volume out and gives the stream; its count and digest must be those of the answer.
  static func exported(
    _ name: String, _ format: String, digest: String? = nil, _ bench: Bench
  ) throws(CheckStop) -> [UInt8] {
    let stream = try bench.stream(.export)
    var params: JSONObject = ["volname": .string(name), "format": .string(format), "stream": stream.params]
    if let digest { params["digest"] = .string(digest) }
    if format == "qcow2+size" || format == "vmdk+size" { params["withSnapshots"] = true }
    let answer = try bench.result("volume_export", params)
    let bytes = answer["bytes"]?.intValue ?? -1
    try bench.session().wait("the rest of the stream of \(bytes) bytes") { stream.count >= bytes }
    try bench.session().run(for: .milliseconds(20))
    try require(stream.count == Int(bytes), "\(stream.count) bytes came, the answer says \(bytes)")
    try compare(answer, digest, stream.received, "export")
    stream.finish()
    return stream.received
  }

  private static func compare(
    _ answer: JSON, _ digest: String?, _ bytes: [UInt8], _ what: String
  ) throws(CheckStop) {
    guard let digest else { return }
    let value = StreamEnd.digest(digest, bytes)
    try require(answer["digest"]?["algorithm"]?.stringValue == digest, "the \(what) carries no \(digest)")
    try require(
      answer["digest"]?["value"]?.stringValue == value,
      "the \(what)'s \(digest) is \(answer["digest"]?["value"]?.text() ?? "nothing"), the bytes have \(value)")
  }

  static func importParams(_ name: String, _ format: String, _ stream: StreamEnd) -> JSONObject {
    var params: JSONObject = ["volname": .string(name), "format": .string(format), "stream": stream.params]
    if format == "qcow2+size" || format == "vmdk+size" { params["withSnapshots"] = true }
    return params
  }

  /// Bytes of a `raw+size` stream with data and holes.
  static func rawStream(_ size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size + 8)
    for place in 0..<8 { bytes[place] = UInt8(truncatingIfNeeded: size >> (8 * place)) }
    var state: UInt32 = 2_463_534_242
    for place in stride(from: 8, to: size + 8, by: 1) where (place >> 16) % 3 == 0 {
      state ^= state << 13
      state ^= state >> 17
      state ^= state << 5
      bytes[place] = UInt8(truncatingIfNeeded: state)
    }
    return bytes
  }

  private static func needTransfer(_ bench: Bench) throws(CheckStop) -> String {
    try bench.need("volume_export", "volume_import", "volume_import_formats")
    let format = bench.type.formats.first { $0 == "raw" } ?? bench.type.defaultFormat
    let answer = try bench.result("volume_import_formats", ["volname": .string(bench.freshName(format))])
    guard answer["formats"]?.arrayValue?.contains("raw+size") == true else {
      throw .skipped("the default format is not made from raw+size")
    }
    return format
  }

  static func streams(_ type: StorageTypeManifest) -> [Check] {
    type.formats.map { format in
      Check(
        "stream.round-trip.\(format)", "A \(format) volume goes out and comes back in every format offered",
        clause: "Streams", level: .stream
      ) { (bench) throws(CheckStop) in
        try bench.need("volume_export", "volume_export_formats", "volume_import", "volume_import_formats")
        let name = try bench.alloc(format)
        var tried = 0
        for withSnapshots in [false, true] {
          let params: JSONObject = ["volname": .string(name), "withSnapshots": .bool(withSnapshots)]
          let offered = try bench.result("volume_export_formats", params)["formats"]?.arrayValue ?? []
          for way in offered.compactMap(\.stringValue) {
            let plain = try exported(name, way, bench)
            for digest in ["crc32", "sha256"] {
              let again = try exported(name, way, digest: digest, bench)
              try require(
                again == plain || way == "tar+size", "two exports of an unused volume as \(way) differ")
            }
            let copy = bench.freshName(format)
            let taken = try bench.result(
              "volume_import_formats", ["volname": .string(copy), "withSnapshots": .bool(withSnapshots)])
            guard taken["formats"]?.arrayValue?.contains(.string(way)) == true else { continue }
            let stream = try bench.stream(.import, source: plain)
            var call = importParams(copy, way, stream)
            call["digest"] = "crc32"
            let answer = try bench.result("volume_import", call)
            try require(answer["volname"]?.stringValue == copy, "the import made another volume")
            try require(answer["bytes"]?.intValue == Int64(plain.count), "the import counts other bytes than were sent")
            try compare(answer, "crc32", plain, "import")
            let size = try bench.result("volume_size_info", ["volname": .string(name)])["size"]
            let other = try bench.result("volume_size_info", ["volname": .string(copy)])["size"]
            try require(
              size == other, "the copy has \(other?.text() ?? "no") bytes, the original \(size?.text() ?? "no")")
            tried += 1
          }
        }
        if tried == 0 { throw .skipped("no format is both offered and taken") }
      }
    } + transferChecks
  }

  private static let transferChecks: [Check] = [
    Check(
      "stream.content", "What goes in comes out, byte by byte", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      _ = try needTransfer(bench)
      let source = rawStream(Int(bench.target.volumeSize))
      for format in bench.type.formats {
        let name = bench.freshName(format)
        let ways = try bench.result("volume_import_formats", ["volname": .string(name)])["formats"]?.arrayValue ?? []
        guard ways.contains("raw+size") else { continue }
        try bench.result(
          "volume_import", importParams(name, "raw+size", try bench.stream(.import, source: source)))
        try require(try exported(name, "raw+size", bench) == source, "a \(format) volume came out differently")
        try bench.result("free_image", ["volname": .string(name)])
      }
    },
    Check(
      "stream.truncated", "A stream that ends early makes no volume", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let whole = rawStream(1 << 20)
      for count in [0, 5, 8, 9, 700_000] {
        let name = bench.freshName(format)
        let stream = try bench.stream(.import, source: Array(whole.prefix(count)))
        let fault = try bench.fault("volume_import", importParams(name, "raw+size", stream), .streamBroken)
        try bench.requireTruth(fault, about: name, after: "an import cut after \(count) bytes")
        stream.finish()
      }
    },
    Check(
      "stream.too-long", "A stream longer than it announced makes no volume", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = bench.freshName(format)
      let stream = try bench.stream(.import, source: rawStream(1 << 20) + [1, 2, 3])
      let fault = try bench.fault("volume_import", importParams(name, "raw+size", stream), .streamBroken)
      try bench.requireTruth(fault, about: name, after: "an import of too many bytes")
    },
    Check(
      "stream.import-exists", "An import never replaces a volume", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = try bench.alloc(format)
      let before = try exported(name, "raw+size", bench)
      let stream = try bench.stream(.import, source: rawStream(1 << 20))
      try bench.fault("volume_import", importParams(name, "raw+size", stream), .volumeExists)
      stream.finish()
      try require(try exported(name, "raw+size", bench) == before, "the volume was changed")
    },
    Check(
      "stream.reader-gone", "A reader that goes away ends the export, not the plugin", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = try bench.alloc(format)
      let stream = try bench.stream(.export)
      stream.stopsAfter = 1000
      try bench.fault(
        "volume_export", ["volname": .string(name), "format": "raw+size", "stream": stream.params], .streamBroken)
      try bench.result("status")
    },
    Check(
      "stream.wrong-format", "A stream format the volume cannot have is refused", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      let name = try bench.alloc(try needTransfer(bench))
      let stream = try bench.stream(.export)
      try bench.fault(
        "volume_export", ["volname": .string(name), "format": "zfs", "stream": stream.params], .formatUnsupported)
    },
    Check(
      "stream.wrong-digest", "A digest nobody knows is refused, not left out", clause: "Streams", level: .stream
    ) { (bench) throws(CheckStop) in
      let name = try bench.alloc(try needTransfer(bench))
      let stream = try bench.stream(.export)
      try bench.fault(
        "volume_export",
        ["volname": .string(name), "format": "raw+size", "stream": stream.params, "digest": "md4"])
    },
    Check(
      "stream.cancel-import", "A cancelled import is answered, and as if never begun", clause: "Cancel", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = bench.freshName(format)
      let stream = try bench.stream(.import, source: Array(rawStream(1 << 20).prefix(600_000)))
      stream.staysOpen = true
      let id = try bench.start("volume_import", importParams(name, "raw+size", stream))
      try bench.session().wait("the reading of the stream") { stream.count > 300_000 }
      try bench.session().notify("$/cancel", ["id": .int(id)])
      guard case .error(let fault) = try bench.finish("volume_import", id), fault.code == .cancelled else {
        throw .failed("the cancelled import was not answered with CANCELLED")
      }
      stream.finish()
      try bench.requireTruth(fault, about: name, after: "the cancelled import")
      try bench.result(
        "volume_import", importParams(name, "raw+size", try bench.stream(.import, source: rawStream(4096))))
    },
    Check(
      "stream.cancel-export", "A cancelled export is answered though its reader hangs", clause: "Cancel", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = try bench.alloc(format)
      let stream = try bench.stream(.export)
      // Nobody reads from here on: the stream is out of the loop.
      try bench.session().streams.removeAll()
      let id = try bench.start(
        "volume_export", ["volname": .string(name), "format": "raw+size", "stream": stream.params])
      try bench.session().run(for: .milliseconds(300))
      try bench.session().notify("$/cancel", ["id": .int(id)])
      guard case .error(let fault) = try bench.finish("volume_export", id), fault.code == .cancelled else {
        throw .failed("the cancelled export was not answered with CANCELLED")
      }
      stream.finish()
      try bench.result("status")
    },
    Check(
      "stream.deadline", "An import that takes longer than it may is ended by the plugin", clause: "Deadlines",
      level: .robust
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = bench.freshName(format)
      let stream = try bench.stream(.import, source: Array(rawStream(1 << 20).prefix(600_000)))
      stream.staysOpen = true
      let fault = try bench.fault(
        "volume_import", importParams(name, "raw+size", stream), context: ["timeoutMs": 1000], .deadlineExceeded)
      stream.finish()
      try bench.requireTruth(fault, about: name, after: "the import that ran out of time")
    },
    Check(
      "stream.kill-import", "kill -9 in the middle of an import leaves nothing", clause: "Crashes", level: .robust
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let name = bench.freshName(format)
      let stream = try bench.stream(.import, source: Array(rawStream(1 << 20).prefix(600_000)))
      stream.staysOpen = true
      _ = try bench.start("volume_import", importParams(name, "raw+size", stream))
      try bench.session().wait("the reading of the stream") { stream.count > 300_000 }
      try bench.kill()
      try require(try !bench.exists(name), "\(name) exists half-made after kill -9")
      try require(try bench.imageNames().isEmpty, "the storage lists \(try bench.imageNames()) after kill -9")
    },
    Check(
      "stream.progress", "Progress grows, names its request and ends with the answer", clause: "Progress",
      level: .stream, severity: .recommended
    ) { (bench) throws(CheckStop) in
      let format = try needTransfer(bench)
      let stream = try bench.stream(.import, source: rawStream(32 << 20))
      let session = try bench.session()
      let id = try bench.start(
        "volume_import", importParams(bench.freshName(format), "raw+size", stream), context: ["progress": true])
      guard case .result = try bench.finish("volume_import", id) else { throw .failed("the import was refused") }
      var last: Int64 = -1
      for note in session.notifications where note["method"] == "$/progress" {
        try require(note["params"]?["id"]?.intValue == id, "progress names another request")
        let done = note["params"]?["done"]?.intValue ?? -1
        try require(done >= last, "progress goes back from \(last) to \(done)")
        last = done
      }
      let count = session.notifications.count
      try session.run(for: .milliseconds(300))
      let late = session.notifications[count...].contains { $0["method"] == "$/progress" }
      try require(!late, "progress came after the answer")
    },
  ]
}
