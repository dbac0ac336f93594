// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import JSON
import ManagementTypes
import TestSupport
import Testing

/// Names and sizes that no storage can mean: refused by everything that takes them, before anything is touched.
@Suite("Bad names and sizes", .serialized, .timeLimit(.minutes(10)), .requires(.root))
struct BadNameTests {
  private static let names = [
    "../../../etc/passwd", "100/../../escape.raw", "100/vm-100-disk-0.raw/../../../x.raw", "/etc/passwd",
    "100/a\u{0}b.raw", "100//vm-100-disk-0.raw", "100/./vm-100-disk-0.raw", "100/vm-100-disk-0.raw/", "..", ".", "",
    "100/" + String(repeating: "x", count: 4_096) + ".raw", "100/line\nend.raw", "100/vm-100-disk-0.raw\u{202e}",
  ]

  @Test func aBadNameIsRefusedByEveryOperation() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M", "--name", "vm-100-disk-0.raw")
    let client = BerthClient(socket: host.socket)
    for name in Self.names {
      let id = "local:" + name
      let requests: [(BerthClient.Method, APIPath, JSON?)] = [
        (.post, APIPath("storages", "local", "volumes"), ["vmid": 100, "size": 4096, "name": .string(name)]),
        (.post, APIPath("volumes", volume, "rename"), ["name": .string(name)]),
        (.get, APIPath("volumes", id), nil),
        (.get, APIPath("volumes", id, "path"), nil),
        (.delete, APIPath("volumes", id), nil),
        (.post, APIPath("volumes", id, "resize"), ["size": 8192]),
        (.post, APIPath("volumes", id, "clone"), ["vmid": 100]),
        (.post, APIPath("volumes", id, "base"), nil),
        (.post, APIPath("volumes", volume, "snapshots"), ["name": .string(name)]),
        (.post, APIPath("volumes", id, "snapshots"), ["name": "s1"]),
        (.get, APIPath("volumes", id, "export").query("format", "raw+size"), nil),
      ]
      for (method, path, body) in requests {
        do throws(ClientError) {
          try await client.send(method, path, body: body)
          Issue.record("\(method) \(path) was accepted")
        } catch {
          let problem = error.problem
          #expect((400..<500).contains(problem?.status ?? 0), "\(method) \(path): \(error)")
          #expect(problem?.outcome == "not_started", "\(method) \(path): \(error)")
          #expect(problem?.hint.isEmpty == false, "\(method) \(path): \(error) says nothing of what to do")
        }
      }
    }
    await client.shutdown()
    #expect(try await host.volumes() == [volume])
    #expect(host.files() == ["100/vm-100-disk-0.raw"])
    #expect(Installation.entries(host.store) == ["images"])
    await host.stop()
  }

  @Test func aBadSizeIsRefusedInWordsAndInJSON() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    let volume = try await host.succeed("volume", "alloc", "local", "100", "1M")
    for size in ["-1", "0", "9223372036854775808", "8E", "16E", "99999999999999999999", "1.5", "ten", "", "0x10"] {
      for arguments in [["volume", "alloc", "local", "100", "--", size], ["volume", "resize", "--", volume, size]] {
        let run = await Program.run(Program.products + "/berth", arguments, environment: ["BERTH_SOCKET": host.socket])
        #expect(run.status == 2, "berth \(arguments): \(run.status) \(run.errors)")
        #expect(run.errors.lowercased().contains("size"), "berth \(arguments): \(run.errors)")
      }
    }
    // A client that is not ours writes what it likes.
    let script = """
      import http.client, socket, sys
      class Unix(http.client.HTTPConnection):
          def connect(self):
              self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(sys.argv[1])
      for size in ("-1", "0", "9223372036854775808", "-9223372036854775809", "1e3", "4096.0", "null", '"4096"', "[]"):
          c = Unix("localhost")
          c.request("POST", "/api/v1/storages/local/volumes", '{"vmid":100,"size":' + size + '}',
                    {"Content-Type": "application/json"})
          answer = c.getresponse(); text = answer.read().decode()
          if answer.status not in (400, 422) or not ("size" in text or "number" in text): print(size, answer.status, text)
          c.close()
      """
    let run = await Program.run("/usr/bin/python3", ["-c", script, host.socket])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.text.isEmpty, "\(run.text)")
    #expect(try await host.volumes() == [volume])
    await host.stop()
  }
}
