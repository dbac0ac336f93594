// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import Glibc
import ManagementTypes
import NIOCore
import TestSupport

/// Kills the daemon or a plugin at a random moment under load, again and again, and looks after each time whether
/// everything is as it was acknowledged.
///
/// All decisions follow from the seed; the moments are the machine's.
actor KillCampaign {
  /// What is not as it should be.
  struct Finding: Error, CustomStringConvertible {
    var description: String
  }

  struct Count: Sendable {
    var daemonKills = 0
    var startKills = 0
    var pluginKills = 0
    var launcherKills = 0
    var reported = 0
  }

  private static let workers = 3

  let host: Installation
  /// What is killed instead of daemon and plugins, where there is one.
  private let launcher: LauncherServer?
  private let seed: UInt64
  private let workers: [LoadWorker]
  private let leftovers: Leftovers
  private var client: BerthClient
  private(set) var count = Count()

  init(_ host: Installation, seed: UInt64, launcher: LauncherServer? = nil) async throws {
    self.host = host
    self.launcher = launcher
    self.seed = seed
    workers = (0..<Self.workers).map { LoadWorker(vmid: 1_000 + $0, socket: host.socket, store: host.store) }
    if let launcher {
      try await host.start("--launcher-socket", launcher.socket)
    } else {
      try await host.start()
    }
    try await host.addStorage()
    _ = try await host.volumes()
    leftovers = Leftovers(host)
    guard !leftovers.allGroups().isEmpty, !leftovers.mounts().isEmpty else {
      throw Finding(description: "positive control: a running plugin's control groups and mounts are not seen")
    }
    client = BerthClient(socket: host.socket)
  }

  /// One kill under load, and the look afterwards.
  func round(_ number: Int) async throws {
    var generator = SeededGenerator(seed: seed &+ UInt64(number) &* 0x1000)
    let seeds = workers.map { _ in generator.next() }
    let killsDaemon = launcher == nil && generator.oneIn(3)
    let delay = Int.random(in: 1...250, using: &generator)
    var before: [Int32] = []
    await withTaskGroup(of: Void.self) { group in
      for (worker, seed) in zip(workers, seeds) { group.addTask { await worker.run(seed) } }
      try? await Task.sleep(for: .milliseconds(delay))
      if let launcher {
        await killLauncher(launcher, &generator)
      } else if killsDaemon {
        before = await killDaemon()
      } else {
        await killPlugin(&generator)
      }
      for worker in workers { await worker.stop() }
    }
    if killsDaemon { try await startAgain(&generator) }
    // Killed this often a plugin is quarantined; its operator lets it go on. One that its launcher took along is not.
    if launcher == nil { try? await client.releasePlugin(storeid: "local") }
    var doubtful: Set<String> = []
    for worker in workers {
      switch await worker.settle(client) {
      case .none, .settled: break
      case .reported(let volumes):
        count.reported += 1
        doubtful.formUnion(volumes)
      case .open(let what): throw Finding(description: what)
      }
    }
    try await lookAtVolumes(doubtful)
    try await lookAtMachine(before)
  }

  /// The last look, at what takes longer to see, and the end.
  func finish() async throws {
    for worker in workers {
      for volume in await worker.volumes { try await look(at: volume) }
    }
    for file in host.files() where file.hasSuffix(".qcow2") {
      let check = await Program.run("/usr/bin/qemu-img", ["check", "-q", host.store + "/images/" + file])
      // 3: clusters that nothing refers to, which a killed qemu-img leaves; they cost space, never content.
      try demand(check.status == 0 || check.status == 3, "qemu-img check of \(file): \(check.errors)")
    }
    let children = ProcessTable.descendants(of: host.daemon)
    try demand(await host.stop() == 0, "the daemon does not stop in order")
    try await none("processes") { children.filter(ProcessTable.isAlive).map(String.init) }
    try await none("control groups") { self.leftovers.allGroups() }
    try await none("mounts") { self.leftovers.mounts() }
    try await none("FIFOs") { self.leftovers.fifos() }
  }

  /// Gives back what the campaign itself holds, however it ended.
  func close() async {
    await client.shutdown()
    await host.stop(SIGKILL)
  }

  /// Figures of the whole run.
  func summary(_ rounds: Int) async -> String {
    var (acknowledged, refused, repeated) = (0, 0, 0)
    for worker in workers {
      acknowledged += await worker.acknowledged
      refused += await worker.refused
      repeated += await worker.repeated
    }
    return "\(rounds) rounds, \(count.daemonKills) daemon kills (and \(count.startKills) while it started),"
      + " \(count.pluginKills) plugin kills, \(count.launcherKills) launcher kills; \(acknowledged) changes acknowledged, \(refused) refused,"
      + " \(repeated) asked again, \(count.reported) reported"
  }

  // MARK: Killing

  /// - Returns: the processes below the daemon at its death.
  private func killDaemon() async -> [Int32] {
    count.daemonKills += 1
    // Stopped first, so that what it leaves can be counted.
    kill(host.daemon, SIGSTOP)
    let children = ProcessTable.descendants(of: host.daemon)
    await host.stop(SIGKILL)
    return children
  }

  private func killPlugin(_ generator: inout SeededGenerator) async {
    count.pluginKills += 1
    let running = ProcessTable.plugins(of: host.daemon)
    let victims = generator.oneIn(3) ? running : running.randomElement(using: &generator).map { [$0] } ?? []
    for plugin in victims { kill(plugin, SIGKILL) }
    // Once in a while nobody shortens the pause before the next start.
    guard !generator.oneIn(5) else { return }
    try? await Task.sleep(for: .milliseconds(20))
    try? await client.releasePlugin(storeid: "local")
  }

  /// Kills the launcher, mostly with its plugins, some of the time twice; another one comes a moment later.
  private func killLauncher(_ launcher: LauncherServer, _ generator: inout SeededGenerator) async {
    for _ in 0..<(generator.oneIn(3) ? 2 : 1) {
      count.launcherKills += 1
      launcher.kill9(takingPlugins: !generator.oneIn(3))
      try? await Task.sleep(for: .milliseconds(Int.random(in: 1...400, using: &generator)))
      try? await launcher.start()
      try? await Task.sleep(for: .milliseconds(Int.random(in: 1...400, using: &generator)))
    }
  }

  /// Starts the daemon again; now and then kills it while it does so.
  private func startAgain(_ generator: inout SeededGenerator) async throws {
    if generator.oneIn(4) {
      count.startKills += 1
      try host.launch()
      try? await Task.sleep(for: .milliseconds(Int.random(in: 1...300, using: &generator)))
      await host.stop(SIGKILL)
    }
    try await host.start()
    await client.shutdown()
    client = BerthClient(socket: host.socket)
  }

  // MARK: Looking

  /// Every acknowledged volume is there, once; what else is there is reported; each has exactly its file.
  private func lookAtVolumes(_ doubtful: Set<String>) async throws {
    var known: Set<String> = []
    var bases: Set<String> = []
    for worker in workers {
      for volume in await worker.volumes {
        known.insert(volume.volid)
        if volume.kind == .base { bases.insert(volume.volid) }
      }
    }
    // The daemon asks beside its start; once this answers, it has asked about everything.
    let reported = try await client.reconcile().map { $0.message + ($0.hint ?? "") }.joined()
    let listed = try await afterTheKill { [client] () async throws(ClientError) in
      try await client.volumes("local", limit: 10_000).volumes.map(\.volid)
    }
    try demand(Set(listed).count == listed.count, "a volume is listed twice: \(listed)")
    let missing = known.subtracting(listed).subtracting(doubtful)
    try demand(missing.isEmpty, "acknowledged and gone: \(missing.sorted())")
    let extra = Set(listed).subtracting(known)
    if !extra.isEmpty || !doubtful.isEmpty {
      let silent = extra.union(doubtful).filter { !reported.contains($0) }
      try demand(silent.isEmpty, "nobody was told of \(silent.sorted()) and the host does not report it")
    }
    let named = listed.map { $0.dropFirst("local:".count).split(separator: "/").suffix(2).joined(separator: "/") }
    try await none("half-made files") { Set(self.host.files()).symmetricDifference(named).sorted() }
    for base in bases {
      var info = stat()
      let path = "\(host.store)/images/\(base.dropFirst("local:".count))"
      try demand(lstat(path, &info) == 0 && info.st_mode & 0o222 == 0, "the base image \(base) can be written")
    }
    if let volume = await workers.randomElement()?.volumes.randomElement() { try await look(at: volume) }
  }

  /// A volume has the content and the snapshots it was acknowledged to have.
  private func look(at volume: LoadWorker.Volume) async throws {
    try await lookAtContent(volume)
    guard !volume.snapshots.isEmpty else { return }
    let names = try await client.snapshots(volume.volid).map(\.name)
    try demand(names.count == Set(names).count, "\(volume.volid) has a snapshot twice: \(names)")
    let missing = Set(volume.snapshots.keys).subtracting(names)
    try demand(missing.isEmpty, "\(volume.volid) has lost the snapshots \(missing.sorted())")
  }

  /// Reads all of it: 64 KiB of one byte after the size, then zeros.
  private func lookAtContent(_ volume: LoadWorker.Volume) async throws {
    let head = 8 + 1 << 16
    var place = 0
    var wrong: Int?
    _ = try await client.export(volume.volid, ExportOptions(format: "raw+size", digest: "crc32")) { part in
      for byte in part.readableBytesView {
        if place >= 8, wrong == nil, byte != (place < head ? volume.content : 0) { wrong = place - 8 }
        place += 1
      }
    }
    try demand(wrong == nil, "\(volume.volid) is not full of \(volume.content) as acknowledged: byte \(wrong ?? 0)")
    try demand(
      Int64(place) >= 8 + volume.size, "\(volume.volid) has \(place - 8) bytes, acknowledged were \(volume.size)")
  }

  /// Nothing is left of what the kill interrupted.
  private func lookAtMachine(_ before: [Int32]) async throws {
    try await none("locks") { try await self.client.locks().map { "\($0.name) of \($0.holder)" } }
    try await none("FIFOs") { self.leftovers.fifos() }
    try await none("processes of the killed daemon") {
      let now = Set(ProcessTable.descendants(of: self.host.daemon))
      return before.filter { ProcessTable.isAlive($0) && !now.contains($0) }.map(String.init)
    }
    if launcher == nil {
      try await none("control groups") { self.leftovers.strayGroups(daemon: self.host.daemon) }
    } else {
      try await none("control groups without a process, or more than the storage's") { self.leftovers.spareGroups() }
    }
    // Sandboxes keep their mounts to themselves.
    let own = ProcessTable.mounts(host.directory.path)
    try demand(own.isEmpty, "mounts are left: \(own)")
  }

  /// The first question of all: it may still go to the process that was killed, which dies while it is asked.
  private func afterTheKill<Answer: Sendable>(
    _ question: () async throws(ClientError) -> Answer
  ) async throws(ClientError) -> Answer {
    do throws(ClientError) { return try await question() } catch {
      guard error.problem?.symbol == "PLUGIN_CRASHED" else { throw error }
      return try await question()
    }
  }

  private func demand(_ holds: Bool, _ what: @autoclosure () -> String) throws {
    guard holds else { throw Finding(description: what()) }
  }

  /// Waits until there is nothing of the kind.
  private func none(_ what: String, _ find: () async throws -> [String]) async throws {
    var found: [String] = []
    let isGone = try await eventually(within: .seconds(20)) {
      found = try await find()
      return found.isEmpty
    }
    try demand(isGone, "\(what) are left: \(found)")
  }
}
