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

  /// What it does with a connection: one line of Python.
  static func echo(_ name: String) -> String {
    """
    data = b"".join(iter(lambda: connection.recv(65536), b"")); connection.sendall(b"\(name) " + data); connection.close()
    """
  }

  init(_ directory: String, name: String, address: String = "127.0.0.1", serve: String? = nil) async throws {
    let file = "\(directory)/port-\(name)"
    let script = """
      import socket, sys, threading
      family = socket.AF_INET6 if ":" in "\(address)" else socket.AF_INET
      server = socket.create_server(("\(address)", 0), family=family, backlog=256)
      open("\(file).new", "w").write(str(server.getsockname()[1]))
      import os; os.rename("\(file).new", "\(file)")
      threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
      def count(connection):
          # Sends without reading until nothing more goes; what went is a line in a file.
          connection.settimeout(3); sent = 0
          try:
              while sent < 1 << 30: sent += connection.send(bytes(65536))
          except OSError: pass
          with open("\(file)-sent", "a") as out: out.write(f"{sent}\\n")
      held = []
      while True:
          connection, _ = server.accept()
          held.append(connection)
          \(serve ?? Self.echo(name))
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
    // Of a plugin that has ended nothing is left to be seen.
    let score = process.score()
    let output = await Fixture.drain(process.standardOutput)
    let lines = output.split(separator: "\n").map(String.init)
    #expect(lines.first == "localhost:\(granted.port) one 200004", "\(output)")
    #expect(lines.count == 5)
    #expect(lines.dropFirst().allSatisfy { !$0.contains("one") && !$0.contains("two") }, "\(output)")
    #expect(score.deductions.map(\.reason) == ["granted: 1 network endpoints"])
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

  @Test func aGrantedIPv6AddressWorksAsItIsWritten() async throws {
    let fixture = try Fixture()
    let server = try await EchoServer(fixture.directory, name: "six", address: "::1")
    fixture.write("run.py", Self.client)
    var plan = fixture.plan("run.py")
    plan.permissions.network = .endpoints([NetworkEndpoint(host: "::1", port: "\(server.port)")])
    plan.arguments = ["::1:\(server.port)", "127.0.0.1:\(server.port)"]
    let process = try await fixture.launcher.launch(plan)
    let output = await Fixture.drain(process.standardOutput)
    #expect(output.hasPrefix("::1:\(server.port) six 200004\n127.0.0.1:\(server.port) "), "\(output)")
    #expect(!output.hasSuffix("six 200004\n"))
    try await process.kill()
    process.close()
  }

  /// A service that is down must not look like one that answered nothing.
  @Test func whatDoesNotAnswerIsCutOff() async throws {
    let fixture = try Fixture()
    let closed = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        _ = bind(closed, generic, size)
        _ = getsockname(closed, generic, &size)
      }
    }
    defer { close(closed) }
    let port = UInt16(bigEndian: address.sin_port)
    fixture.write("run.py", Self.client)
    var plan = fixture.plan("run.py")
    plan.permissions.network = .endpoints([NetworkEndpoint(host: "127.0.0.1", port: "\(port)")])
    plan.arguments = ["127.0.0.1:\(port)"]
    let process = try await fixture.launcher.launch(plan)
    let output = await Fixture.drain(process.standardOutput)
    let refusals = ["ConnectionResetError", "BrokenPipeError", "ConnectionRefusedError", "OSError"]
    #expect(refusals.contains { output == "127.0.0.1:\(port) \($0)\n" }, "\(output)")
    try await process.kill()
    process.close()
  }

  /// The limit holds at any one time; afterwards there is room again.
  @Test func moreConnectionsThanAllowedAreCutOff() async throws {
    let fixture = try Fixture()
    let server = try await EchoServer(fixture.directory, name: "one")
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3 -IS
      import socket
      target = ("127.0.0.1", \(server.port))
      def ask(connection):
          try:
              connection.settimeout(30)
              connection.sendall(b"x"); connection.shutdown(socket.SHUT_WR)
              return connection.recv(100).startswith(b"one")
          except OSError:
              return False
      many, cut = [], 0
      for _ in range(\(EndpointRelay.maximum + 16)):
          try: many.append(socket.create_connection(target))
          except ConnectionResetError: cut += 1  # before connect(2) had returned
      # Cut off while they were all open: a read ends with an error, and the others wait.
      for connection in many:
          connection.settimeout(0.5)
          try: connection.recv(1); print("unexpected")
          except TimeoutError: pass
          except OSError: cut += 1; connection.close()
      print("cut", cut)
      for connection in many:
          if connection.fileno() >= 0: connection.sendall(b"x"); connection.shutdown(socket.SHUT_WR)
      print("carried", sum(connection.recv(100).startswith(b"one") for connection in many
                           if connection.fileno() >= 0 and not connection.settimeout(30)))
      for connection in many: connection.close()
      for attempt in range(50):
          if ask(socket.create_connection(target)): print("room again"); break
      """)
    var plan = fixture.plan("run.py")
    plan.permissions.network = .endpoints([NetworkEndpoint(host: "127.0.0.1", port: "\(server.port)")])
    let process = try await fixture.launcher.launch(plan)
    let output = await Fixture.drain(process.standardOutput)
    let errors = await Fixture.drain(process.standardError)
    #expect(output == "cut 16\ncarried \(EndpointRelay.maximum)\nroom again\n", "\(output) \(errors)")
    try await process.kill()
    process.close()
  }

  /// Both sides send without end and neither reads: what waits is bounded, on both sides and in the host.
  @Test func whoDoesNotReadIsNotReadFrom() async throws {
    let fixture = try Fixture()
    let server = try await EchoServer(
      fixture.directory, name: "flood", serve: "threading.Thread(target=count, args=(connection,), daemon=True).start()"
    )
    fixture.write(
      "run.py",
      """
      #!/usr/bin/python3 -IS
      import socket, threading
      totals = []
      def flood(connection):
          connection.settimeout(3); sent = 0
          try:
              while sent < 1 << 30: sent += connection.send(bytes(65536))
          except OSError: pass
          totals.append(sent)
      many = [socket.create_connection(("127.0.0.1", \(server.port))) for _ in range(16)]
      threads = [threading.Thread(target=flood, args=(one,)) for one in many]
      for thread in threads: thread.start()
      for thread in threads: thread.join()
      print(len(totals), min(totals), max(totals), flush=True)
      import time; time.sleep(1000)
      """)
    var plan = fixture.plan("run.py")
    plan.permissions.network = .endpoints([NetworkEndpoint(host: "127.0.0.1", port: "\(server.port)")])
    let before = Self.memory()
    let process = try await fixture.launcher.launch(plan)
    _ = berth_set_nonblocking(process.standardOutput, 0)
    let line = await Blocking.run {
      var bytes: [UInt8] = []
      var byte: UInt8 = 0
      while read(process.standardOutput, &byte, 1) == 1, byte != 10 { bytes.append(byte) }
      return String(decoding: bytes, as: UTF8.self)
    }
    let totals = line.split(separator: " ").compactMap { Int($0) }
    try #require(totals.count == 3, "\(line)")
    #expect(totals[0] == 16 && totals[1] > 65_536, "positive control: bytes flowed: \(line)")
    #expect(totals[2] < 32 << 20, "the plugin was read from although nobody took it: \(line)")
    let path = "\(fixture.directory)/port-flood-sent"
    for _ in 0..<500 where (SmallFile.read(path) ?? "").split(separator: "\n").count < 16 {
      await Blocking.run { _ = usleep(20_000) }
    }
    let sent = (SmallFile.read(path) ?? "").split(separator: "\n").compactMap { Int($0) }
    #expect(sent.count == 16 && (sent.max() ?? .max) < 32 << 20, "the server was read from: \(sent)")
    #expect(Self.memory() - before < 32 << 20, "the host holds what nobody reads: \(before) then \(Self.memory())")
    try await process.kill()
    process.close()
  }

  /// Bytes of memory that this process has in use.
  private static func memory() -> Int {
    let pages = (SmallFile.read("/proc/self/statm") ?? "").split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return (pages ?? 0) * Int(getpagesize())
  }

  /// This machine by the address of one of its interfaces is this machine.
  @Test func aNameLeadsToNoInterfaceOfThisMachine() throws {
    let own = HostAddress.own()
    #expect(own.contains(HostAddress([127, 0, 0, 1])), "\(own)")
    let one = HostAddress([192, 0, 2, 7])
    #expect(one.isOutside(own: []) && !one.isOutside(own: [one]))
    let mapped = HostAddress([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 7])
    #expect(!mapped.isOutside(own: [one]))
    for address in own { #expect(!address.isOutside(own: own)) }
  }

  @Test func aHostThatTheGrantSpellsOutIsWhereItSays() async throws {
    for host in ["127.0.0.1", "::1", "localhost"] {
      _ = try await HostResolver.address(of: host)
      await #expect(throws: SandboxError.self, "\(host)") { try await HostResolver.address(of: host, isNamed: false) }
    }
    #expect(try await HostResolver.address(of: "192.0.2.7", isNamed: false) == "192.0.2.7")
    for name in ["127.1", "2130706433"] {
      await #expect(throws: SandboxError.self, "\(name)") { try await HostResolver.address(of: name) }
    }
  }

  /// Whoever answers for a name cannot turn the grant against the host itself.
  @Test(arguments: [
    ("10.0.0.1", true), ("192.168.1.1", true), ("8.8.8.8", true), ("127.0.0.1", false), ("127.66.0.1", false),
    ("0.0.0.0", false), ("169.254.169.254", false), ("224.0.0.1", false), ("255.255.255.255", false),
    ("2001:db8::1", true), ("fd00::1", true), ("::1", false), ("::", false), ("fe80::1", false), ("ff02::1", false),
    ("::ffff:127.0.0.1", false), ("::ffff:10.0.0.1", true), ("100.100.100.200", false), ("fd00:ec2::254", false),
    ("168.63.129.16", false), ("192.0.0.192", false), ("64:ff9b::7f00:1", false), ("64:ff9b::a9fe:a9fe", false),
    ("64:ff9b:1::7f00:1", false), ("64:ff9b::808:808", true), ("2002:7f00:1::1", false), ("2002:a9fe:a9fe::", false),
    ("2002:808:808::1", true), ("2001:0:808:808::80ff:fffe", false), ("2001:0:7f00:1::f7f7:f7f7", true),
  ]) func aNameLeadsToOtherMachinesOnly(_ text: String, _ allowed: Bool) throws {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    try #require(getaddrinfo(text, "443", &hints, &list) == 0)
    defer { freeaddrinfo(list) }
    let address = try #require(list?.pointee.ai_addr)
    let named = try EndpointResolver.resolve(.endpoints([NetworkEndpoint(host: "array.example", port: "443")]))
    #expect(named[0].mayLead(to: address) == allowed)
    // An address that the administrator granted himself, and localhost, are what they say.
    for host in [text, "localhost"] {
      let granted = try EndpointResolver.resolve(.endpoints([NetworkEndpoint(host: host, port: "443")]))
      if text != "127.66.0.1" { #expect(granted[0].mayLead(to: address)) }
    }
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
