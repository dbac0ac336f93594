// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BenchSupport
import CShims
import Glibc
import JSON

/// A plugin without any host: its program on two pipes, asked by hand. Says how long the plugin itself takes.
final class BarePlugin {
  private let pid: pid_t
  private let input: Int32
  private let output: Int32
  private var nextID: Int64 = 1
  private var rest: [UInt8] = []

  init(program: String, type: String, stateDirectory: String) throws {
    var toPlugin: [Int32] = [0, 0]
    var fromPlugin: [Int32] = [0, 0]
    guard berth_pipe(&toPlugin) == 0, berth_pipe(&fromPlugin) == 0 else { throw BenchmarkError("no pipe") }
    pid = try spawn("/usr/bin/python3", ["-IS", program], input: toPlugin[0], output: fromPlugin[1])
    close(toPlugin[0])
    close(fromPlugin[1])
    input = toPlugin[1]
    output = fromPlugin[0]
    _ = try ask(
      "initialize",
      [
        "protocol": ["min": "1.0", "max": "1.0"], "profiles": ["pve-storage": ["min": 9, "max": 15]],
        "host": ["name": "bench", "version": "0", "node": "bench"], "hostServices": ["host.log"],
        "limits": ["maxMessageBytes": 4_194_304, "maxInFlight": 64], "streams": ["fifo"],
        "session": ["id": "bench", "epoch": 1], "storeid": "bench", "storageType": .string(type),
        "stateDir": .string(stateDirectory), "tmpDir": .string(stateDirectory),
      ])
    try send(["jsonrpc": "2.0", "method": "initialized", "params": [:]])
  }

  /// The plugin's answer and the time from the question's last byte to the answer's last byte, in ms.
  func ask(_ method: String, _ params: JSONObject) throws -> (result: JSON, time: Double) {
    let id = nextID
    nextID += 1
    try send(["jsonrpc": "2.0", "id": .int(id), "method": .string(method), "params": .object(params)])
    let start = berth_monotonic_ns()
    let line = try readLine()
    let time = Double(berth_monotonic_ns() - start) / 1e6
    let answer = try JSON.parse(line)
    guard answer["id"]?.intValue == id, let result = answer["result"] else {
      throw BenchmarkError("the plugin answered \(method) with \(answer)")
    }
    return (result, time)
  }

  private func send(_ message: JSON) throws {
    let bytes = message.bytes() + [UInt8(ascii: "\n")]
    guard write(input, bytes, bytes.count) == bytes.count else { throw BenchmarkError("the plugin is gone") }
  }

  private func readLine() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var searched = 0
    while true {
      if let end = rest[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { rest.removeSubrange(...end) }
        return Array(rest[..<end])
      }
      searched = rest.count
      let count = read(output, &buffer, buffer.count)
      guard count > 0 else { throw BenchmarkError("the plugin ended") }
      rest += buffer[..<count]
    }
  }

  deinit {
    close(input)
    close(output)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
  }
}
