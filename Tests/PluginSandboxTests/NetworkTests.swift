// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CShims
import Glibc
import Testing

@testable import PluginSandbox

/// A TCP server on the host's loopback that greets by name and echoes.
final class EchoServer: Sendable {
  let port: UInt16
  private let input: Int32

  init(_ directory: String, name: String) async throws {
    let file = "\(directory)/port-\(name)"
    let script = """
      import socket, sys, threading
      server = socket.create_server(("127.0.0.1", 0))
      open("\(file).new", "w").write(str(server.getsockname()[1]))
      import os; os.rename("\(file).new", "\(file)")
      threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
      while True:
          connection, _ = server.accept()
          data = b""
          while part := connection.recv(65536): data += part
          connection.sendall(b"\(name) " + data)
          connection.close()
      """
    let pipe = try DescriptorPair.pipe()
    let command: [String] = ["/usr/bin/python3", "-c", script]
    var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    let pid = berth_spawn("/usr/bin/python3", &argv, &environment, pipe.first.value, -1, -1, 0)
    guard pid > 0 else { throw SandboxError(.systemFailure, "python3", errno: -pid) }
    input = fcntl(pipe.second.value, F_DUPFD_CLOEXEC, 3)
    for _ in 0..<1000 where access(file, F_OK) != 0 { await Blocking.run { _ = usleep(10_000) } }
    port = UInt16(SmallFile.read(file) ?? "") ?? 0
    try #require(port != 0)
  }

  deinit { close(input) }
}

@Suite(.enabled(if: Fixture.isRoot, "the privileged sandbox needs root"), .timeLimit(.minutes(2)))
struct NetworkTests {
  /// Connects to each `host:port` argument, sends a line and prints the answer or the error.
  static let client = """
    #!/usr/bin/python3
    import socket, sys
    for target in sys.argv[1:]:
        host, port = target.rsplit(":", 1)
        try:
            with socket.create_connection((host, int(port)), timeout=20) as connection:
                connection.sendall(b"x" * 200000)
                connection.shutdown(socket.SHUT_WR)
                data = b""
                while part := connection.recv(65536): data += part
            print(target, data[:3].decode(), len(data))
        except OSError as error:
            print(target, error.__class__.__name__)
    """

  @Test func exactlyTheGrantedEndpointIsReached() async throws {
    let fixture = try Fixture()
    let granted = try await EchoServer(fixture.directory, name: "one")
    let other = try await EchoServer(fixture.directory, name: "two")
    fixture.write("run.py", Self.client)
    var plan = fixture.plan("run.py")
    plan.permissions.network = .endpoints([NetworkEndpoint(host: "localhost", port: "\(granted.port)")])
    plan.arguments = [
      "localhost:\(granted.port)", "127.0.0.1:\(granted.port)", "localhost:\(other.port)", "127.0.0.1:\(other.port)",
      "192.0.2.1:\(granted.port)",
    ]
    let process = try await fixture.launcher.launch(plan)
    try await process.attest()
    let output = await Fixture.drain(process.standardOutput)
    let lines = output.split(separator: "\n").map(String.init)
    #expect(lines.first == "localhost:\(granted.port) one 200004", "\(output)")
    #expect(lines.count == 5)
    #expect(lines.dropFirst().allSatisfy { !$0.contains("one") && !$0.contains("two") }, "\(output)")
    #expect(process.score().deductions.map(\.reason) == ["granted: 1 network endpoints"])
    try await process.kill()
    process.close()
  }

  @Test func aGrantedLiteralAddressWorksAsItIsWritten() async throws {
    let fixture = try Fixture()
    let server = try await EchoServer(fixture.directory, name: "lit")
    fixture.write("run.py", Self.client)
    var plan = fixture.plan("run.py")
    plan.permissions.network = .endpoints([NetworkEndpoint(host: "127.0.0.1", port: "\(server.port)")])
    plan.arguments = ["127.0.0.1:\(server.port)"]
    let process = try await fixture.launcher.launch(plan)
    #expect(await Fixture.drain(process.standardOutput) == "127.0.0.1:\(server.port) lit 200004\n")
    try await process.kill()
    process.close()
  }

  @Test(arguments: ["", "a b", "-x", "x..y", "a/b", "${config.x}"]) func aBadHostIsRefused(_ host: String) {
    #expect(throws: SandboxError.self) {
      _ = try EndpointResolver.resolve(.endpoints([NetworkEndpoint(host: host, port: "443")]))
    }
  }

  @Test(arguments: ["", "0", "65536", "-1", "https"]) func aBadPortIsRefused(_ port: String) {
    #expect(throws: SandboxError.self) {
      _ = try EndpointResolver.resolve(.endpoints([NetworkEndpoint(host: "a.example", port: port)]))
    }
  }
}
