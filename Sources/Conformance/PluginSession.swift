// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import PluginSandbox
internal import PluginSupervisor
internal import StorageProtocol

/// One run of the plugin, seen from the wire: lines out, lines in, every wait with a deadline.
///
/// Used by one thread. It speaks below the level of the host's own connection, so that it can say what no host would.
final class PluginSession {
  let process: any PluginProcess
  let patience: Duration
  private(set) var answers: [Int64: Answer] = [:]
  /// Answers nobody waits for: to unreadable lines (id null), second answers.
  private(set) var strayAnswers: [JSON] = []
  private(set) var notifications: [JSON] = []
  /// Lines on standard output that are no JSON-RPC message.
  private(set) var badLines: [String] = []
  private(set) var log: [UInt8] = []
  private(set) var outputEnded = false
  private var input: [UInt8] = []
  private var awaited: Set<Int64> = []
  private var methods: [Int64: String] = [:]
  private var nextID: Int64 = 1
  private var inputOpen = true
  var streams: [StreamEnd] = []
  static let chunk = 1 << 16

  /// Told of every host service that the plugin asks for.
  private let asked: @Sendable (String) -> Void

  init(
    _ process: any PluginProcess, patience: Duration, asked: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.asked = asked
    self.process = process
    self.patience = patience
  }

  // MARK: Saying

  /// Writes bytes as they are, reading meanwhile what the plugin says.
  func send(_ bytes: [UInt8]) throws(CheckStop) {
    var rest = bytes[...]
    let end = ContinuousClock.now + patience
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { write(process.standardInput, $0.baseAddress, $0.count) }
      if sent > 0 {
        rest = rest.dropFirst(sent)
      } else if sent < 0, errno == EPIPE {
        throw .failed("the plugin closed its standard input\(ending)")
      } else {
        guard ContinuousClock.now < end else { throw .failed("the plugin does not read its input") }
        try turn(wantsToWrite: true)
      }
    }
  }

  func send(_ message: JSON) throws(CheckStop) { try send(message.bytes() + [0x0a]) }

  func send(line: String) throws(CheckStop) { try send(Array(line.utf8) + [0x0a]) }

  /// Sends a request and gives its id. `portions`: bytes a write, with an empty line before and CR LF after.
  func start(_ method: String, _ params: JSON, portions: Int? = nil) throws(CheckStop) -> Int64 {
    let id = nextID
    nextID += 1
    awaited.insert(id)
    methods[id] = method
    let message: JSON = ["jsonrpc": "2.0", "id": .int(id), "method": .string(method), "params": params]
    guard let portions else {
      try send(message)
      return id
    }
    let bytes = [0x0a] + message.bytes() + [0x0d, 0x0a]
    for place in stride(from: 0, to: bytes.count, by: portions) {
      try send(Array(bytes[place..<min(place + portions, bytes.count)]))
    }
    return id
  }

  func notify(_ method: String, _ params: JSON) throws(CheckStop) {
    try send(["jsonrpc": "2.0", "method": .string(method), "params": params])
  }

  func closeInput() {
    if inputOpen { close(dup2Null(process.standardInput)) }
    inputOpen = false
  }

  /// Replaces the descriptor by /dev/null: the process object goes on owning a descriptor of that number.
  private func dup2Null(_ descriptor: Int32) -> Int32 {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    dup2(null, descriptor)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return null
  }

  // MARK: Hearing

  /// The answer to a request, within the patience.
  func answer(_ id: Int64, within time: Duration? = nil) throws(CheckStop) -> Answer {
    let end = ContinuousClock.now + (time ?? patience)
    while answers[id] == nil {
      guard !outputEnded else { throw .silent("the plugin ended without answering \(methods[id] ?? "")\(ending)") }
      guard ContinuousClock.now < end else {
        throw .silent("\(methods[id] ?? "the request") was not answered within \(time ?? patience)")
      }
      try turn()
    }
    awaited.remove(id)
    // Just read above.
    guard let answer = answers.removeValue(forKey: id) else { throw .broken("an answer went missing") }
    return answer
  }

  /// Waits until the condition holds.
  func wait(
    _ what: String, within time: Duration? = nil, _ condition: () -> Bool
  ) throws(CheckStop) {
    let end = ContinuousClock.now + (time ?? patience)
    while !condition() {
      guard ContinuousClock.now < end else { throw .failed("\(what) did not happen within \(time ?? patience)") }
      try turn()
    }
  }

  /// Lets the plugin run for a while, reading what it says.
  func run(for time: Duration) throws(CheckStop) {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end, !outputEnded { try turn(atMost: 5) }
  }

  /// One step of the loop: waits at most 50 ms, then moves whatever can be moved.
  private func turn(wantsToWrite: Bool = false, atMost: Int32 = 50) throws(CheckStop) {
    var watched: [pollfd] = []
    if !outputEnded { watched.append(pollfd(fd: process.standardOutput, events: Int16(POLLIN), revents: 0)) }
    watched.append(pollfd(fd: process.standardError, events: Int16(POLLIN), revents: 0))
    if wantsToWrite { watched.append(pollfd(fd: process.standardInput, events: Int16(POLLOUT), revents: 0)) }
    var pause = atMost
    for stream in streams {
      if let events = stream.pollEvents {
        watched.append(pollfd(fd: stream.descriptor, events: events, revents: 0))
      } else if !stream.isFinished {
        pause = min(pause, 5)
      }
    }
    // Ended pipes are always ready: without a pause this loop would spin.
    if outputEnded { usleep(2000) }
    _ = poll(&watched, nfds_t(watched.count), pause)
    for stream in streams {
      stream.approach()
      stream.move()
    }
    readLog()
    try readOutput()
  }

  private func readLog() {
    withUnsafeTemporaryAllocation(byteCount: Self.chunk, alignment: 16) { buffer in
      let got = read(process.standardError, buffer.baseAddress, buffer.count)
      if got > 0, log.count < 1 << 20 { log.append(contentsOf: buffer[..<got]) }
    }
  }

  private func readOutput() throws(CheckStop) {
    var got = 1
    while got > 0, !outputEnded {
      withUnsafeTemporaryAllocation(byteCount: Self.chunk, alignment: 16) { buffer in
        got = read(process.standardOutput, buffer.baseAddress, buffer.count)
        if got > 0 { input.append(contentsOf: buffer[..<got]) }
      }
      if got == 0 { outputEnded = true }
    }
    while let end = input.firstIndex(of: 0x0a) {
      let line = Array(input[..<end])
      input.removeFirst(end + 1)
      try take(line)
    }
    if input.count > 64 << 20 { throw .failed("the plugin writes a line of more than 64 MiB") }
  }

  private func take(_ line: [UInt8]) throws(CheckStop) {
    let message: JSON
    do {
      message = try JSON.parse(line, limits: JSONLimits(maxBytes: 64 << 20))
    } catch {
      badLines.append(String(decoding: line.prefix(200), as: UTF8.self))
      return
    }
    guard message["jsonrpc"] == "2.0" else {
      badLines.append(String(decoding: line.prefix(200), as: UTF8.self))
      return
    }
    if let method = message["method"]?.stringValue {
      notifications.append(message)
      if let id = message["id"] { try refuse(method, id) }
      return
    }
    guard let id = message["id"]?.intValue, awaited.contains(id), answers[id] == nil else {
      strayAnswers.append(message)
      return
    }
    let method = methods[id] ?? ""
    if let error = message["error"] {
      answers[id] = .error(try Fault(error, method: method))
    } else if let result = message["result"] {
      answers[id] = .result(result)
    } else {
      throw .failed("the answer to \(method) has neither result nor error")
    }
  }

  /// A host without services: every request of the plugin is denied.
  private func refuse(_ method: String, _ id: JSON) throws(CheckStop) {
    asked(method)
    let data: JSON = ["symbol": "HOST_DENIED", "outcome": "not_started", "retry": ["class": "never"]]
    try send([
      "jsonrpc": "2.0", "id": id,
      "error": ["code": 1015, "message": .string("\(method) is not granted"), "data": data],
    ])
  }

  // MARK: Ending

  /// kill -9 of everything the plugin is; true when nothing is left.
  func kill() -> Bool {
    let process = process
    return Bridge.wait {
      do throws(SandboxError) {
        _ = try await process.kill(within: .seconds(10))
        return true
      } catch {
        return false
      }
    }
  }

  /// Waits until the plugin and everything it started is gone; nil when it is still there.
  func waitForExit(within time: Duration) throws(CheckStop) -> ExitStatus? {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end {
      if let status = process.exitStatus() { return status }
      try turn(atMost: 5)
    }
    return process.exitStatus()
  }

  func finish() {
    for stream in streams { stream.finish() }
    streams = []
    if process.exitStatus() == nil { _ = kill() }
    process.close()
  }

  /// How it ended, for messages.
  private var ending: String {
    let end = ContinuousClock.now + .seconds(1)
    while process.exitStatus() == nil, ContinuousClock.now < end { usleep(1000) }
    let status = process.exitStatus().map { " (it \($0))" } ?? ""
    let said = String(decoding: log.suffix(300), as: UTF8.self)
    return status + (said.isEmpty ? "" : "; its log ends: \(said)")
  }
}
