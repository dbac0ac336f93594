// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import PluginSupervisor

/// Runs blocking plugin-side work of a test on a thread of its own.
private func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
  await OwnThread.run(work)
}

private struct Refused: Error, Equatable {}

/// What a plugin does with its end of an export: writes chunks of these sizes.
private func writeChunks(_ path: String, _ bytes: [UInt8], sizes: [Int]) -> Int {
  let fd = open(path, O_WRONLY)
  guard fd >= 0 else { return -1 }
  defer { close(fd) }
  var offset = 0
  var turn = 0
  while offset < bytes.count {
    let size = min(sizes[turn % sizes.count], bytes.count - offset)
    let count = bytes.withUnsafeBytes { write(fd, $0.baseAddress! + offset, size) }
    if count <= 0 { return offset }
    offset += count
    turn += 1
  }
  return offset
}

/// What a plugin does with its end of an import: reads all of it in chunks of these sizes.
private func readChunks(_ path: String, sizes: [Int], atMost: Int = .max) -> [UInt8] {
  let fd = open(path, O_RDONLY)
  guard fd >= 0 else { return [] }
  defer { close(fd) }
  var all: [UInt8] = []
  var turn = 0
  var buffer = [UInt8](repeating: 0, count: sizes.max() ?? 1)
  while all.count < atMost {
    let count = read(fd, &buffer, min(sizes[turn % sizes.count], atMost - all.count))
    if count <= 0 { break }
    all += buffer[..<count]
    turn += 1
  }
  return all
}

private func digest(_ bytes: [UInt8], _ algorithm: DigestAlgorithm?) -> StreamDigest? {
  guard let algorithm else { return nil }
  var hasher = StreamHasher(algorithm)
  bytes.withUnsafeBytes { hasher.update($0) }
  return hasher.digest()
}

/// An unnamed temporary file.
private func scratchFile(_ bytes: [UInt8] = []) -> Int32 {
  var template = Array("/tmp/berth-stream-XXXXXX".utf8CString)
  let fd = mkstemp(&template)
  unlink(template)
  _ = bytes.withUnsafeBytes { write(fd, $0.baseAddress, $0.count) }
  lseek(fd, 0, SEEK_SET)
  return fd
}

private func contents(_ fd: Int32) -> [UInt8] {
  lseek(fd, 0, SEEK_SET)
  var all: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while case let count = read(fd, &buffer, buffer.count), count > 0 { all += buffer[..<count] }
  return all
}

@Suite(.timeLimit(.minutes(2))) struct StreamRelayTests {
  let directory = makeTemporaryDirectory()

  var streams: StreamDirectory { StreamDirectory(path: directory, inside: directory, owner: nil) }

  private func checkNothingLeft() {
    #expect(listing(directory) == [])
    removeTree(directory)
  }

  struct Case: Sendable, CustomStringConvertible {
    var digest: DigestAlgorithm?
    var viaTask: Bool
    var description: String { "\(digest.map { $0.rawValue } ?? "splice") to \(viaTask ? "task" : "file")" }

    static let all: [Case] = [nil, .crc32, .sha256].flatMap { digest in
      [false, true].map { Case(digest: digest, viaTask: $0) }
    }
  }

  @Test(arguments: Case.all) func exportsArriveWhole(_ setting: Case) async throws {
    let seed: UInt64 = 42
    var generator = SeededGenerator(seed: seed)
    for round in 0..<6 {
      let count = [0, 1, 65_536, 65_537, 262_144, 1_100_001][round]
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let sizes = (0..<5).map { _ in Int.random(in: 1...200_000, using: &generator) }
      let file = scratchFile()
      defer { close(file) }
      let collected = Collector()
      let sink: StreamSink = setting.viaTask ? .bytes { await collected.add($0) } : .descriptor(file)
      let (reply, report) = try await StreamRelay.export(
        from: streams, to: sink, options: StreamOptions(digest: setting.digest)
      ) { stream in
        let written = await onThread { writeChunks(stream.path, bytes, sizes: sizes) }
        return Result<_, Refused>.success(
          ("done", StreamClaim(bytes: Int64(written), digest: digest(bytes, setting.digest))))
      }
      #expect(reply == "done")
      #expect(report == StreamReport(bytes: Int64(count), digest: digest(bytes, setting.digest)), "seed \(seed)")
      let arrived = setting.viaTask ? await collected.bytes : contents(file)
      #expect(arrived == bytes, "seed \(seed), round \(round)")
    }
    checkNothingLeft()
  }

  @Test(arguments: Case.all) func importsArriveWhole(_ setting: Case) async throws {
    let seed: UInt64 = 43
    var generator = SeededGenerator(seed: seed)
    for round in 0..<6 {
      let count = [0, 1, 65_536, 65_537, 262_144, 1_100_001][round]
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let sizes = (0..<5).map { _ in Int.random(in: 1...200_000, using: &generator) }
      let file = scratchFile(bytes)
      defer { close(file) }
      let feeder = Feeder(bytes, sizes: sizes)
      let source: StreamSource = setting.viaTask ? .bytes { await feeder.next() } : .descriptor(file)
      let (reply, report) = try await StreamRelay.import(
        into: streams, from: source, options: StreamOptions(digest: setting.digest)
      ) { stream in
        let got = await onThread { readChunks(stream.path, sizes: sizes) }
        return Result<_, Refused>.success(
          (got, StreamClaim(bytes: Int64(got.count), digest: digest(got, setting.digest))))
      }
      #expect(reply == bytes, "seed \(seed), round \(round)")
      #expect(report.bytes == Int64(count))
    }
    checkNothingLeft()
  }

  @Test func exportsToPipesWithBackPressure() async throws {
    let bytes = [UInt8](repeating: 7, count: 2_000_000)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    async let arrived = onThread { () -> Int in
      var total = 0
      var buffer = [UInt8](repeating: 0, count: 10_000)
      while case let count = read(readEnd, &buffer, buffer.count), count > 0 { total += count }
      return total
    }
    let (_, report) = try await StreamRelay.export(from: streams, to: .descriptor(writeEnd)) { stream in
      let written = await onThread { writeChunks(stream.path, bytes, sizes: [300_000]) }
      return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(written))))
    }
    #expect(fcntl(writeEnd, F_GETFL) & O_NONBLOCK == 0, "the caller's descriptor is as it was")
    close(writeEnd)
    #expect(await arrived == bytes.count)
    #expect(report.bytes == Int64(bytes.count))
    close(readEnd)
    checkNothingLeft()
  }

  @Test(arguments: [-1, 1]) func aWrongCountBreaksAnExport(_ lie: Int) async throws {
    let file = scratchFile()
    defer { close(file) }
    let options = StreamOptions(settleLimit: .milliseconds(300))
    let failure = await streamFailure {
      _ = try await StreamRelay.export(from: streams, to: .descriptor(file), options: options) { stream in
        let written = await onThread { writeChunks(stream.path, [1, 2, 3], sizes: [2]) }
        return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(written + lie))))
      }
    }
    #expect(failure?.code == .broken)
    #expect(failure?.expected == Int64(3 + lie))
    checkNothingLeft()
  }

  @Test(arguments: DigestAlgorithm.allCases) func aWrongDigestBreaksAnExport(_ algorithm: DigestAlgorithm) async throws
  {
    let file = scratchFile()
    defer { close(file) }
    for claimed in [StreamDigest(algorithm: algorithm, value: "00"), nil] {
      let failure = await streamFailure {
        _ = try await StreamRelay.export(
          from: streams, to: .descriptor(file), options: StreamOptions(digest: algorithm)
        ) { stream in
          let written = await onThread { writeChunks(stream.path, [1, 2, 3], sizes: [2]) }
          return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(written), digest: claimed)))
        }
      }
      #expect(failure?.code == .broken)
    }
    checkNothingLeft()
  }

  @Test func aPluginThatStopsReadingBreaksAnImport() async throws {
    let file = scratchFile([UInt8](repeating: 1, count: 1_000_000))
    defer { close(file) }
    let failure = await streamFailure {
      _ = try await StreamRelay.import(into: streams, from: .descriptor(file)) { stream in
        let got = await onThread { readChunks(stream.path, sizes: [1000], atMost: 10_000) }
        return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(got.count))))
      }
    }
    #expect(failure?.code == .broken)
    checkNothingLeft()
  }

  @Test(arguments: [nil, DigestAlgorithm.crc32]) func aPluginThatKnowsTheLengthMayStopThere(
    _ algorithm: DigestAlgorithm?
  ) async throws {
    let bytes = [UInt8](repeating: 3, count: 100_000)
    let file = scratchFile(bytes)
    defer { close(file) }
    let (_, report) = try await StreamRelay.import(
      into: streams, from: .descriptor(file), options: StreamOptions(digest: algorithm)
    ) { stream in
      let got = await onThread { readChunks(stream.path, sizes: [1000], atMost: 100_000) }
      return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(got.count), digest: digest(got, algorithm))))
    }
    #expect(report.bytes == 100_000)
    checkNothingLeft()
  }

  @Test func aPluginThatNeverOpensTheStreamBreaksAnImport() async throws {
    let file = scratchFile([1])
    defer { close(file) }
    let failure = await streamFailure {
      _ = try await StreamRelay.import(into: streams, from: .descriptor(file)) { _ in
        Result<_, Refused>.success((0, StreamClaim(bytes: 1)))
      }
    }
    #expect(failure?.code == .broken)
    checkNothingLeft()
  }

  @Test func theCallsOwnErrorWins() async throws {
    let file = scratchFile()
    defer { close(file) }
    await #expect {
      _ = try await StreamRelay.export(from: streams, to: .descriptor(file)) { _ in
        Result<(Int, StreamClaim), Refused>.failure(Refused())
      }
    } throws: { error in
      if case StreamCallError<Refused>.call = error { true } else { false }
    }
    checkNothingLeft()
  }

  @Test func theCallsErrorDoesNotWaitForASenderThatSendsNothing() async throws {
    await isToldTheCallsErrorAtOnce {
      _ = try await StreamRelay.import(
        into: streams,
        from: .bytes {
          try await Task.sleep(for: .seconds(3_600))
          return nil
        }
      ) { stream in
        // A plugin that is killed while it reads.
        _ = await onThread { close(open(stream.path, O_RDONLY | O_NONBLOCK)) }
        return Result<(Int, StreamClaim), Refused>.failure(Refused())
      }
    }
  }

  @Test func theCallsErrorDoesNotWaitForAReaderThatTakesNothing() async throws {
    await isToldTheCallsErrorAtOnce {
      _ = try await StreamRelay.export(
        from: streams, to: .bytes { _ in try await Task.sleep(for: .seconds(3_600)) }
      ) { stream in
        _ = await onThread { writeChunks(stream.path, [1, 2, 3], sizes: [3]) }
        return Result<(Int, StreamClaim), Refused>.failure(Refused())
      }
    }
  }

  @Test func whatAStopBreaksIsNoCause() throws {
    let control = RelayControl(wake: try #require(Wake()), life: SignsOfLife())
    let broken = StreamFailure(.callerEnd, "the sender of the import failed: CancellationError()", bytes: 7)
    #expect(control.judged(.failure(broken)) == .failure(broken))
    control.give(.stop)
    guard case .failure(let failure) = control.judged(.failure(broken)) else {
      Issue.record("a failure became none")
      return
    }
    #expect(failure.code == .cancelled)
    #expect(failure.bytes == 7)
    let whole = StreamReport(bytes: 3, digest: nil)
    #expect(control.judged(.success(whole)) == .success(whole))
  }

  private func isToldTheCallsErrorAtOnce(_ transfer: () async throws -> Void) async {
    let start = ContinuousClock.now
    await #expect {
      try await transfer()
    } throws: { error in
      if case StreamCallError<Refused>.call = error { true } else { false }
    }
    #expect(start.duration(to: .now) < .seconds(30))
    checkNothingLeft()
  }

  @Test func anAnswerBeforeTheEndDoesNotWaitForTheSender() async throws {
    let start = ContinuousClock.now
    let failure = await streamFailure {
      _ = try await StreamRelay.import(
        into: streams,
        from: .bytes {
          try await Task.sleep(for: .seconds(3_600))
          return nil
        }, options: StreamOptions(settleLimit: .milliseconds(200))
      ) { _ in Result<_, Refused>.success((0, StreamClaim(bytes: 5))) }
    }
    #expect(failure?.code == .broken)
    #expect(start.duration(to: .now) < .seconds(30))
    checkNothingLeft()
  }

  /// Shows life every 20 ms for so long.
  private func live(_ life: SignsOfLife, _ time: Duration) async {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end, !Task.isCancelled {
      life.note()
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  @Test func aPluginThatShowsLifeMayTakeLongerThanTheStallLimit() async throws {
    let options = StreamOptions(stallLimit: .milliseconds(400))
    let bytes = [UInt8](repeating: 7, count: 3_000_000)
    let file = scratchFile()
    defer { close(file) }
    let life = SignsOfLife()
    let (_, sent) = try await StreamRelay.export(
      from: streams, to: .descriptor(file), options: options, life: life
    ) { stream in
      await live(life, .milliseconds(1_200))
      let written = await onThread { writeChunks(stream.path, bytes, sizes: [100_000]) }
      return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(written))))
    }
    #expect(sent.bytes == 3_000_000)
    lseek(file, 0, SEEK_SET)
    let other = SignsOfLife()
    let (_, taken) = try await StreamRelay.import(
      into: streams, from: .descriptor(file), options: options, life: other
    ) { stream in
      await live(other, .milliseconds(900))
      let opened = await onThread { open(stream.path, O_RDONLY) }
      // The pipe is full and nothing is read of it, as while the target is prepared.
      await live(other, .milliseconds(900))
      let got = await onThread { readChunks(stream.path, sizes: [100_000], atMost: 3_000_000).count }
      close(opened)
      return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(got))))
    }
    #expect(taken.bytes == 3_000_000)
    checkNothingLeft()
  }

  @Test func aPluginsLifeDoesNotExcuseACallerThatStandsStill() async throws {
    let life = SignsOfLife()
    await #expect {
      _ = try await StreamRelay.import(
        into: streams,
        from: .bytes {
          try await Task.sleep(for: .seconds(3_600))
          return nil
        }, options: StreamOptions(stallLimit: .milliseconds(300)), life: life
      ) { stream in
        let opened = await onThread { open(stream.path, O_RDONLY) }
        await live(life, .seconds(60))
        close(opened)
        return Result<(Int, StreamClaim), Refused>.failure(Refused())
      }
    } throws: { error in
      guard case StreamCallError<Refused>.both(_, let failure) = error else { return false }
      return failure.code == .stalled && failure.message.contains("the sending side")
    }
    checkNothingLeft()
  }

  @Test func aFailingReaderEndsTheExportAndCancelsTheCall() async throws {
    struct Gone: Error {}
    await #expect {
      _ = try await StreamRelay.export(from: streams, to: .bytes { _ in throw Gone() }) { stream in
        _ = await onThread { writeChunks(stream.path, [UInt8](repeating: 1, count: 5_000_000), sizes: [100_000]) }
        // The stream goes before its failure is known: a moment later.
        await #expect(throws: CancellationError.self) { try await Task.sleep(for: .seconds(60)) }
        return Result<(Int, StreamClaim), Refused>.failure(Refused())
      }
    } throws: { error in
      if case StreamCallError<Refused>.both(_, let failure) = error { failure.code == .callerEnd } else { false }
    }
    checkNothingLeft()
  }

  @Test func aStalledPluginIsNoticed() async throws {
    let file = scratchFile()
    defer { close(file) }
    let options = StreamOptions(stallLimit: .milliseconds(200))
    await #expect {
      _ = try await StreamRelay.export(from: streams, to: .descriptor(file), options: options) { _ in
        while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
        return Result<(Int, StreamClaim), Refused>.failure(Refused())
      }
    } throws: { error in
      if case StreamCallError<Refused>.both(_, let failure) = error { failure.code == .stalled } else { false }
    }
    checkNothingLeft()
  }

  @Test func cancellingTheTaskEndsBothSides() async throws {
    let file = scratchFile()
    defer { close(file) }
    let streams = streams
    let task = Task {
      await streamFailure {
        _ = try await StreamRelay.export(from: streams, to: .descriptor(file)) { _ in
          while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
          return Result<(Int, StreamClaim), Refused>.success((0, StreamClaim(bytes: 10)))
        }
      }
    }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    #expect(await task.value?.code == .cancelled)
    checkNothingLeft()
  }

  @Test func aFullTargetIsTheCallersFailure() async throws {
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    await #expect {
      _ = try await StreamRelay.export(from: streams, to: .descriptor(full)) { stream in
        let written = await onThread { writeChunks(stream.path, [UInt8](repeating: 0, count: 500_000), sizes: [5000]) }
        return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(written))))
      }
    } throws: { error in
      guard case StreamCallError<Refused>.stream(let failure) = error else { return false }
      return failure.code == .callerFull && failure.message.contains("No space left")
    }
    checkNothingLeft()
  }

  @Test func theRateIsHeld() async throws {
    let bytes = [UInt8](repeating: 1, count: 300_000)
    let file = scratchFile()
    defer { close(file) }
    let start = ContinuousClock.now
    _ = try await StreamRelay.export(
      from: streams, to: .descriptor(file), options: StreamOptions(bytesPerSecond: 1_000_000)
    ) { stream in
      let written = await onThread { writeChunks(stream.path, bytes, sizes: [300_000]) }
      return Result<_, Refused>.success((0, StreamClaim(bytes: Int64(written))))
    }
    // 0.1 s worth goes at once; the rest takes its time, however slow or fast the machine.
    #expect(start.duration(to: .now) > .milliseconds(150))
    #expect(contents(file).count == bytes.count)
    checkNothingLeft()
  }

  @Test func leftoversOfAnEarlierDaemonGo() async throws {
    let streams = streams
    let first = try streams.makeFIFO(id: "s1-1")
    _ = try streams.makeFIFO(id: "s1-2")
    #expect(first.reference.path == directory + "/s1-1/data")
    #expect(listing(directory) == ["s1-1", "s1-2"])
    #expect(await StreamRelay.removeLeftovers(in: streams) == 2)
    checkNothingLeft()
  }

  @Test func knownDigests() {
    #expect(digest(Array("123456789".utf8), .crc32)?.value == "cbf43926")
    #expect(
      digest(Array("abc".utf8), .sha256)?.value
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  private func streamFailure(_ body: () async throws -> Void) async -> StreamFailure? {
    do {
      try await body()
      return nil
    } catch StreamCallError<Refused>.stream(let failure) {
      return failure
    } catch StreamCallError<Refused>.both(_, let failure) {
      return failure
    } catch {
      Issue.record("\(error)")
      return nil
    }
  }
}

private actor Collector {
  var bytes: [UInt8] = []
  func add(_ chunk: [UInt8]) { bytes += chunk }
}

private actor Feeder {
  private var rest: ArraySlice<UInt8>
  private let sizes: [Int]
  private var turn = 0

  init(_ bytes: [UInt8], sizes: [Int]) {
    rest = bytes[...]
    self.sizes = sizes
  }

  func next() -> [UInt8]? {
    if rest.isEmpty { return nil }
    let chunk = Array(rest.prefix(sizes[turn % sizes.count]))
    rest = rest.dropFirst(chunk.count)
    turn += 1
    return chunk
  }
}
