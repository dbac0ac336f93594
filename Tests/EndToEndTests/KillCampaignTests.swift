// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import Glibc
import JSON
import ManagementTypes
import Synchronization
import TestSupport
import Testing

/// kill -9 of the daemon or a plugin at random moments under load, again and again: nothing acknowledged is lost, nothing
/// is there twice or by halves, nothing leaks.
///
/// A few rounds here; `BERTH_KILL_ROUNDS=1000` is the long run. A failure names its seed: `BERTH_KILL_SEED`.
@Suite("kill -9 under load", .serialized, .requires(.root), .requires(.program("qemu-img")))
struct KillCampaignTests {
  static let rounds = number("BERTH_KILL_ROUNDS") ?? 4
  static let seed = number("BERTH_KILL_SEED") ?? Int.random(in: 0..<1_000_000)

  private static func number(_ name: String) -> Int? {
    getenv(name).flatMap { Int(String(cString: $0)) }
  }

  @Test(.timeLimit(.minutes(600))) func nothingAcknowledgedIsLost() async throws {
    let host = try await Installation()
    try await host.start()
    try await host.addStorage()
    var generator = SeededGenerator(seed: UInt64(Self.seed))
    var volumes: Set<String> = []
    for round in 0..<Self.rounds {
      let workers = (0..<3).map { Worker(number: round * 3 + $0, socket: host.socket, known: volumes.sorted()) }
      let killsDaemon = generator.oneIn(2)
      let delay = Int.random(in: 20...800, using: &generator)
      await withTaskGroup(of: Void.self) { group in
        for worker in workers { group.addTask { await worker.run() } }
        group.addTask {
          try? await Task.sleep(for: .milliseconds(delay))
          if killsDaemon {
            await host.stop(SIGKILL)
          } else {
            for plugin in ProcessTable.plugins(of: host.daemon) { kill(plugin, SIGKILL) }
          }
        }
      }
      if killsDaemon { try await host.start() }
      // Killed this often a plugin is quarantined; its operator lets it go on.
      _ = await host.berth("plugin", "release", "local")
      // Whatever had no answer is asked again under the same key: it is done once, and only once.
      for worker in workers { try await worker.settle() }
      for worker in workers {
        volumes.formUnion(worker.made)
        volumes.subtract(worker.freed)
      }
      let listed = try await host.volumes()
      #expect(listed == volumes.sorted(), "round \(round), seed \(Self.seed)")
      let files = host.files().map { "local:" + $0.split(separator: "/").suffix(2).joined(separator: "/") }
      #expect(files.count == listed.count, "round \(round), seed \(Self.seed): \(files) for \(listed)")
      let locks = await eventually { await host.berth("lock", "list", "--json").text == #"{"items":[]}"# }
      #expect(locks, "round \(round), seed \(Self.seed): a lock is left")
      volumes = Set(listed)
    }
    for file in host.files() where file.hasSuffix(".qcow2") {
      let check = await Program.run("/usr/bin/qemu-img", ["check", "-q", host.store + "/images/" + file])
      // 3: clusters that nothing refers to, which a killed qemu-img leaves; they cost space, never content.
      #expect(check.status == 0 || check.status == 3, "\(file): \(check.errors)")
    }
    let unsettled = try await host.succeed("reconcile", "--json")
    #expect(unsettled == #"{"items":[]}"#)
    let children = ProcessTable.descendants(of: host.daemon)
    #expect(await host.stop() == 0)
    let gone = await eventually { children.allSatisfy { kill($0, 0) != 0 } }
    #expect(gone, "no process is left")
    #expect(Installation.entries(host.runDirectory + "/local/streams").isEmpty, "no FIFO is left")
    #expect(ProcessTable.mounts(host.directory.path).isEmpty, "no mount is left")
  }

  /// One client that makes, snapshots, clones and frees volumes, and remembers what was acknowledged.
  private final class Worker: Sendable {
    struct Pending: Sendable {
      var key: String
      var path: APIPath
      var method: BerthClient.Method
      var body: JSON?
      var frees: String?
    }

    private struct State {
      var made: Set<String> = []
      var freed: Set<String> = []
      var pending: Pending?
    }

    private let state = Mutex(State())
    private let number: Int
    private let socket: String
    private let known: [String]

    var made: Set<String> { state.withLock { $0.made } }
    var freed: Set<String> { state.withLock { $0.freed } }

    init(number: Int, socket: String, known: [String]) {
      self.number = number
      self.socket = socket
      self.known = known
    }

    /// Works until something has no answer, or long enough.
    func run() async {
      let client = BerthClient(socket: socket)
      let vmid = 1_000 + number
      var volume: String?
      for step in 0..<12 {
        let request: Pending
        switch (step % 4, volume) {
        case (1, let volume?):
          request = pending(step, .post, APIPath("volumes", volume, "snapshots"), ["name": .string("s\(step)")])
        case (3, let mine?):
          request = pending(step, .delete, APIPath("volumes", mine), nil, frees: mine)
        case (2, _):
          request = pending(
            step, .post, APIPath("storages", "local", "volumes"),
            ["vmid": .int(Int64(vmid)), "size": 1_048_576, "format": "raw"])
        default:
          request = pending(
            step, .post, APIPath("storages", "local", "volumes"),
            ["vmid": .int(Int64(vmid)), "size": 1_048_576, "format": "qcow2"])
        }
        state.withLock { $0.pending = request }
        do throws(ClientError) {
          let answer = try await ask(client, request)
          acknowledge(request, answer)
          if step % 4 == 0 { volume = answer?["volid"]?.stringValue }
          if request.frees != nil { volume = nil }
        } catch {
          if error.code == .problem, error.problem?.outcome == "not_started" || error.problem?.outcome == "rolled_back"
          {
            state.withLock { $0.pending = nil }
            continue
          }
          break
        }
      }
      await client.shutdown()
    }

    /// Asks again what had no answer, until it has one.
    func settle() async throws {
      guard let request = state.withLock({ $0.pending }) else { return }
      let client = BerthClient(socket: socket)
      var last: ClientError?
      let settled = await eventually(within: .seconds(60)) {
        do throws(ClientError) {
          self.acknowledge(request, try await self.ask(client, request))
          return true
        } catch {
          last = error
          // Done before, or undone and refused now: both are an end.
          if error.problem?.symbol == "VOLUME_NOT_FOUND", let volume = request.frees {
            self.state.withLock { state in
              state.freed.insert(volume)
              state.made.remove(volume)
            }
            return true
          }
          return error.problem?.symbol == "SNAPSHOT_EXISTS" || error.problem?.symbol == "VOLUME_NOT_FOUND"
        }
      }
      await client.shutdown()
      #expect(settled, "\(request.method) \(request.path) has no end: \(String(describing: last))")
    }

    private func pending(
      _ step: Int, _ method: BerthClient.Method, _ path: APIPath, _ body: JSON?, frees: String? = nil
    ) -> Pending {
      Pending(key: "worker-\(number)-\(step)", path: path, method: method, body: body, frees: frees)
    }

    private func ask(_ client: BerthClient, _ request: Pending) async throws(ClientError) -> JSON? {
      try await client.send(
        request.method, request.path, body: request.body, idempotencyKey: request.key, as: JSON?.self)
    }

    private func acknowledge(_ request: Pending, _ answer: JSON?) {
      state.withLock { state in
        // A name that was freed may be given again.
        if let volume = answer?["volid"]?.stringValue {
          state.made.insert(volume)
          state.freed.remove(volume)
        }
        if let volume = request.frees {
          state.freed.insert(volume)
          state.made.remove(volume)
        }
        state.pending = nil
      }
    }
  }
}
