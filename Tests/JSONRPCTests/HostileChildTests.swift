// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import JSON
import JSONRPC
import TestSupport
import Testing

@Suite("Hostile children, as real processes", .requires(.program("python3")), .timeLimit(.minutes(2)))
struct HostileChildTests {
  /// What every child can do: read a request, write an answer.
  private static let prelude = """
    import json, os, signal, sys, time
    def read():
        line = sys.stdin.readline()
        return json.loads(line) if line else None
    def write(text):
        sys.stdout.write(text)
        sys.stdout.flush()
    def answer(request, result):
        write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\\n")

    """

  private final class Connection: Sendable {
    let child: ChildProcess
    let peer: Peer
    let reactor: Reactor

    /// Starts the script; its exit closes the connection with the status, as a supervisor would.
    init(_ script: String, _ configure: (inout PeerConfiguration) -> Void = { _ in }) throws {
      _ = berth_ignore_sigpipe()
      var configuration = PeerConfiguration()
      configuration.name = "child"
      configuration.cancelGrace = .milliseconds(100)
      configuration.endGrace = .seconds(10)
      configure(&configuration)
      let child = ChildProcess("python3", "-c", HostileChildTests.prelude + script)
      let reactor = try Reactor()
      let peer = try Peer(
        reading: child.output, writing: child.input, reactor: reactor, configuration: configuration)
      _ = try reactor.watchExit(pidfd: child.pidfd) {
        peer.finish(.closed("child: its process has ended"))
      }
      self.child = child
      self.reactor = reactor
      self.peer = peer
    }

    deinit {
      child.killGroup()
      peer.close(.closed("the test is over"))
    }

    func call(_ timeout: Duration = .seconds(60)) async -> Result<JSON, RPCError> {
      do throws(RPCError) {
        return .success(try await peer.call("status", ["storeid": "local"], timeout: timeout))
      } catch {
        return .failure(error)
      }
    }
  }

  private func failure(_ result: Result<JSON, RPCError>) -> RPCError? {
    if case .failure(let error) = result { error } else { nil }
  }

  @Test("a silent child costs its call the deadline, no more")
  func silent() async throws {
    let connection = try Connection("time.sleep(600)")
    let error = failure(await connection.call(.milliseconds(50)))
    #expect(error?.kind == .timeout)
    #expect(error?.mayHaveRun == true)
  }

  @Test("a child that answers everything twice is used with its first answers")
  func answersTwice() async throws {
    let connection = try Connection(
      """
      while request := read():
          if "id" in request:
              answer(request, "first")
              answer(request, "second")
      """)
    for _ in 0..<50 { #expect(try await connection.call().get() == "first") }
    #expect(await eventually { connection.peer.counters.duplicateAnswers == 50 })
  }

  @Test("a child that dies in a call settles every call at once, with what became of it")
  func diesMidCall() async throws {
    let connection = try Connection(
      """
      first = read(); read()
      answer(first, "alive")
      os.kill(os.getpid(), signal.SIGKILL)
      """)
    async let first = connection.call()
    async let second = connection.call()
    let results = await [first, second]
    #expect(results.filter { $0 == .success("alive") }.count == 1)
    let error = results.compactMap(failure).first
    #expect(error?.kind == .closed)
    #expect(error?.message == "child: its process has ended")
  }

  @Test("half a message and an exit is told as such")
  func halfFrame() async throws {
    let connection = try Connection(
      #"""
      request = read()
      write('{"jsonrpc":"2.0","id":%d,"resu' % request["id"])
      """#
    ) { $0.endGrace = .zero }
    #expect(failure(await connection.call())?.kind == .closed)
  }

  @Test("a flood of text without a line end is cut off at the limit")
  func floods() async throws {
    let connection = try Connection(
      """
      while True:
          try: os.write(1, b"x" * 65536)
          except BrokenPipeError: break
      """
    ) { $0.maxMessageBytes = 1 << 20 }
    #expect(failure(await connection.call())?.kind == .violation)
  }

  @Test("a flood of stray lines ends with the third")
  func floodsLines() async throws {
    let connection = try Connection(
      """
      while True:
          try: write("debug: hello\\n" * 1000)
          except BrokenPipeError: os._exit(0)
      """)
    #expect(failure(await connection.call())?.kind == .violation)
    #expect(connection.peer.counters.strayLines == 2)
  }

  @Test("a flood of notifications starves nobody else")
  func floodsNotifications() async throws {
    let connection = try Connection(
      #"""
      line = '{"jsonrpc":"2.0","method":"host.log","params":{"text":"hello"}}\n' * 100
      while True: write(line)
      """#)
    let other = try PeerPair(right: PeerTests.echo)
    for _ in 0..<100 { _ = try await other.left.call("echo", [:], timeout: .seconds(60)) }
    #expect(await eventually { connection.peer.counters.received > 1000 })
    #expect(failure(await connection.call(.milliseconds(10)))?.kind == .timeout)
  }

  @Test("a child that nests deeper than allowed is refused without harm")
  func deepNesting() async throws {
    let connection = try Connection(
      #"""
      request = read()
      for depth in (65, 5000, 200000):
          write('{"jsonrpc":"2.0","id":%d,"result":%s%s}\n' % (request["id"], "[" * depth, "]" * depth))
      time.sleep(600)
      """#)
    #expect(failure(await connection.call())?.kind == .violation)
  }

  @Test("a child that closes its standard input fails calls instead of the host")
  func closesInput() async throws {
    let connection = try Connection("os.close(0); time.sleep(600)")
    let closed = await eventually {
      guard let error = failure(await connection.call(.milliseconds(20))) else { return false }
      return error.kind == .closed
    }
    #expect(closed)
    #expect(connection.peer.closeReason?.message.contains("closed its input") == true)
  }

  @Test("a grandchild that keeps the standard output does not hide the child's death")
  func grandchildKeepsOutput() async throws {
    let connection = try Connection(
      """
      request = read()
      if os.fork() == 0:
          time.sleep(600)
      os._exit(3)
      """)
    let error = failure(await connection.call())
    #expect(error?.kind == .closed)
    #expect(error?.message == "child: its process has ended")
  }

  @Test("a grandchild that keeps writing does not hold up the end")
  func grandchildKeepsWriting() async throws {
    let connection = try Connection(
      #"""
      request = read()
      line = '{"jsonrpc":"2.0","method":"host.log","params":{"text":"hello"}}\n' * 100
      if os.fork() == 0:
          while True: write(line)
      os._exit(3)
      """#)
    #expect(failure(await connection.call())?.message == "child: its process has ended")
  }

  @Test("a child that never reads is given up, and big calls to it never block")
  func neverReads() async throws {
    let connection = try Connection("time.sleep(600)") { $0.maxOutgoingBytes = 1 << 20 }
    let params: JSON = ["text": .string(String(repeating: "x", count: 300_000))]
    var kinds: Set<RPCError.Kind> = []
    for _ in 0..<8 {
      do throws(RPCError) {
        _ = try await connection.peer.call("alloc_image", params, timeout: .milliseconds(10))
      } catch {
        kinds.insert(error.kind)
      }
    }
    #expect(kinds == [.timeout, .overloaded])
  }
}
