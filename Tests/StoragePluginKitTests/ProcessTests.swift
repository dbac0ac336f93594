// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import JSONRPC
import StorageProtocol
import Synchronization
import TestSupport
import Testing

/// The kit in a process of its own, as a host meets it.
@Suite(.timeLimit(.minutes(2))) struct ProcessTests {
  static let program: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // Under `swift test` the runner may be the toolchain's own: then the test bundle is the first argument that is one.
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? path
    return bundle.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/kit-plugin"
  }()

  @Test func aWholeSession() async throws {
    let child = ChildProcess(Self.program)
    let stray = Mutex<[String]>([])
    let log = Mutex<[JSON]>([])
    let reactor = try Reactor()
    let peer = try Peer(
      reading: child.output, writing: child.input, reactor: reactor,
      handlers: PeerHandlers(
        notification: { _, params in log.withLock { $0.append(params) } },
        strayLine: { line in stray.withLock { $0.append(line) } }))
    func call<Method: StorageMethod>(
      _ method: Method.Type, _ params: Method.Params, _ context: CallContext = .init()
    ) async throws -> Method.Result {
      let json = try await peer.call(method.name, context.merged(into: params.json()), timeout: .seconds(60))
      return try Method.Result(json: json)
    }
    let answer = try Initialize.Result(
      json: try await peer.call(Initialize.name, HostSide.hello.json(), timeout: .seconds(60)))
    #expect(Set(answer.methods) == Set(MethodTable.required.map(\.name)))
    try peer.notify(Initialized.name, [:])
    _ = try await call(ActivateStorage.self, .init(storeid: "local", scfg: [:]))
    _ = try await call(AllocImage.self, SessionTests.alloc, .locked())
    let list = try await call(ListImages.self, .init(storeid: "local", scfg: [:]))
    #expect(list.volumes.map(\.volname) == [SessionTests.alloc.volname])
    let status = try await call(QueryStatus.self, SessionTests.status)
    #expect(status.used == 4096)
    _ = try await call(
      FreeImage.self, .init(storeid: "local", scfg: [:], volname: SessionTests.alloc.volname), .locked(key: "k2"))
    #expect(try await call(ListImages.self, .init(storeid: "local", scfg: [:])).volumes.isEmpty)
    #expect(stray.withLock { $0 } == [])
    #expect(log.withLock { $0.count } == 1)
    _ = try Shutdown.Result(json: try await peer.call(Shutdown.name, [:], timeout: .seconds(60)))
    peer.closeOutput()
    // The end of its input ends it: its output ends too.
    #expect(await peer.waitUntilClosed().kind == .closed)
  }
}
