// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import Glibc
import ManagementTypes
import TestSupport

/// One client that allocates, imports, copies, renames, resizes, snapshots, rolls back, turns into bases, clones,
/// exports and frees volumes of a guest of its own, writes to them as the guest would, and remembers what was
/// acknowledged.
actor LoadWorker {
  enum Kind: Sendable, Equatable {
    case plain(format: String)
    case base
    case clone(of: String)
  }

  struct Volume: Sendable {
    var volid: String
    var kind: Kind
    /// In bytes.
    var size: Int64
    /// What its first 64 KiB are full of; all behind them is zero.
    var content: UInt8 = 0
    /// What that was when each snapshot was taken.
    var snapshots: [String: UInt8] = [:]
  }

  /// How a request that had no answer ended when it was asked again.
  enum End: Sendable {
    case none
    case settled
    /// The host says that somebody must look: these volumes are in doubt.
    case reported(Set<String>)
    case open(String)
  }

  private static let most = 7

  let vmid: Int
  private let socket: String
  private let store: String
  private var requests = 0
  private var stops = false
  private var pending: LoadRequest?
  private(set) var volumes: [Volume] = []
  private(set) var acknowledged = 0
  private(set) var refused = 0
  private(set) var repeated = 0

  /// - Parameter store: the directory the volumes lie in.
  init(vmid: Int, socket: String, store: String) {
    self.vmid = vmid
    self.socket = socket
    self.store = store
  }

  /// Ends `run` after the request under way.
  func stop() { stops = true }

  /// Works until stopped or until something has no answer.
  func run(_ seed: UInt64) async {
    var generator = SeededGenerator(seed: seed)
    stops = false
    let client = BerthClient(socket: socket)
    while !stops, pending == nil {
      if generator.oneIn(10), let volume = volumes.randomElement(using: &generator) {
        // Reading changes nothing, so nothing is owed when it breaks; its FIFO must go all the same.
        await read(volume.volid, client, lending: generator.oneIn(2))
        continue
      }
      if generator.oneIn(6), await write(&generator) { continue }
      requests += 1
      let request = LoadRequest(key: "guest-\(vmid)-\(requests)", vmid: vmid, work: choose(&generator))
      pending = request
      do throws(ClientError) {
        acknowledge(request, try await request.send(to: client))
      } catch {
        guard let outcome = error.problem?.outcome, outcome == "not_started" || outcome == "rolled_back" else { break }
        refused += 1
        pending = nil
      }
    }
    await client.shutdown()
  }

  private func read(_ volid: String, _ client: BerthClient, lending: Bool) async {
    let options = ExportOptions(format: "raw+size")
    guard lending else {
      _ = try? await client.export(volid, options) { _ in }
      return
    }
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { close(null) }
    guard let loan = await client.lend(null) else { return }
    _ = try? await client.run(.export(volid, options, to: loan))
    withExtendedLifetime(loan) {}
  }

  /// Writes as the guest would, past the daemon; whether there was something to write to.
  private func write(_ generator: inout SeededGenerator) async -> Bool {
    let writable = volumes.indices.filter { volumes[$0].kind != .base }
    guard let index = writable.randomElement(using: &generator) else { return false }
    let byte = UInt8.random(in: 1...255, using: &generator)
    let name = volumes[index].volid.dropFirst("local:".count).split(separator: "/").suffix(2).joined(separator: "/")
    let format = name.hasSuffix(".raw") ? "raw" : "qcow2"
    let command = "write -q -P \(byte) 0 64k"
    let run = await Program.run("/usr/bin/qemu-io", ["-f", format, "-c", command, "\(store)/images/\(name)"])
    guard run.status == 0 else { return false }
    volumes[index].content = byte
    return true
  }

  /// Asks again what had no answer, until it has one.
  func settle(_ client: BerthClient) async -> End {
    guard let request = pending else { return .none }
    var last: ClientError?
    var end = End.none
    repeated += 1
    let isSettled = await eventually(within: .seconds(30)) {
      do throws(ClientError) {
        acknowledge(request, try await request.send(to: client))
        end = .settled
        return true
      } catch {
        last = error
        if error.problem?.symbol == "HAS_DEPENDENTS" {
          end = .settled
        } else if error.problem?.outcome == "partial" {
          end = await rollBack(request, client) ? .settled : .reported(doubt(request))
        } else {
          return false
        }
        return true
      }
    }
    pending = nil
    return isSettled ? end : .open("\(request) has no end: \(last.map(String.init(describing:)) ?? "")")
  }

  /// What an operator does about a rollback that was cut off: goes back to the same snapshot once more.
  private func rollBack(_ request: LoadRequest, _ client: BerthClient) async -> Bool {
    guard case .rollback = request.work else { return false }
    var again = request
    again.key += "-again"
    do throws(ClientError) {
      acknowledge(request, try await again.send(to: client))
      return true
    } catch { return false }
  }

  private func choose(_ generator: inout SeededGenerator) -> LoadRequest.Work {
    let bases = volumes.filter { $0.kind == .base }
    let plain = volumes.filter { if case .plain = $0.kind { true } else { false } }
    let images = volumes.filter { volume in
      switch volume.kind {
      case .plain(let format): format == "qcow2"
      case .base: false
      case .clone: true
      }
    }
    switch Int.random(in: 0..<17, using: &generator) {
    case 0...2:
      if let volume = images.randomElement(using: &generator) { return .snapshot(volume.volid, name: "s\(requests)") }
    case 3, 4:
      if let base = bases.randomElement(using: &generator), volumes.count < Self.most { return .clone(base.volid) }
      fallthrough
    case 5:
      if bases.count < 2, let volume = plain.randomElement(using: &generator) { return .base(volume.volid) }
    case 6...8:
      if let volume = volumes.randomElement(using: &generator) { return .free(volume.volid) }
    case 9, 10:
      let taken = images.filter { !$0.snapshots.isEmpty }
      if let volume = taken.randomElement(using: &generator) {
        let name = volume.snapshots.keys.sorted().randomElement(using: &generator)
        return .rollback(volume.volid, name: name ?? "")
      }
    case 11:
      // An image with snapshots keeps their size: qemu-img resizes it no more.
      let free = plain.filter { $0.snapshots.isEmpty && $0.size < 1 << 22 }
      if let volume = free.randomElement(using: &generator) { return .resize(volume.volid, volume.size + 1 << 16) }
    case 12:
      if let volume = plain.randomElement(using: &generator) { return .rename(volume.volid) }
    case 13:
      if volumes.count < Self.most, let volume = plain.randomElement(using: &generator) { return .copy(volume.volid) }
    default: break
    }
    guard volumes.count < Self.most else {
      // Bases with clones are refused; a clone or a plain volume goes.
      let free = volumes.filter { $0.kind != .base }.randomElement(using: &generator)
      return .free((free ?? volumes[0]).volid)
    }
    return generator.oneIn(4)
      ? .bringIn(.random(in: 1...255, using: &generator)) : .alloc(format: generator.oneIn(3) ? "raw" : "qcow2")
  }

  private func acknowledge(_ request: LoadRequest, _ volid: String?) {
    acknowledged += 1
    pending = nil
    switch request.work {
    case .alloc(let format): add(volid, .plain(format: format), size: 1 << 20)
    case .bringIn(let byte): add(volid, .plain(format: "raw"), size: 1 << 16, content: byte)
    case .clone(let base):
      guard let base = volumes.first(where: { $0.volid == base }) else { return }
      add(volid, .clone(of: base.volid), size: base.size, content: base.content)
    case .copy(let source):
      guard let source = volumes.first(where: { $0.volid == source }) else { return }
      add(volid, source.kind, size: source.size, content: source.content)
    case .base(let old):
      change(old) { volume in
        volume.volid = volid ?? ""
        volume.kind = .base
      }
    case .rename(let old): change(old) { $0.volid = volid ?? "" }
    case .resize(let volume, let size): change(volume) { $0.size = size }
    case .snapshot(let volume, let name): change(volume) { $0.snapshots[name] = $0.content }
    case .rollback(let volume, let name): change(volume) { $0.content = $0.snapshots[name] ?? $0.content }
    case .free(let volume): volumes.removeAll { $0.volid == volume }
    }
  }

  private func add(_ volid: String?, _ kind: Kind, size: Int64, content: UInt8 = 0) {
    volumes.append(Volume(volid: volid ?? "an answer without a name", kind: kind, size: size, content: content))
  }

  private func change(_ volid: String, _ body: (inout Volume) -> Void) {
    if let index = volumes.firstIndex(where: { $0.volid == volid }) { body(&volumes[index]) }
  }

  /// Forgets what the request was about.
  private func doubt(_ request: LoadRequest) -> Set<String> {
    guard let subject = request.subject else { return [] }
    volumes.removeAll { $0.volid == subject }
    return [subject]
  }
}
