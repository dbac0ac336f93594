// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import BerthClient
import ManagementTypes
import TestSupport

/// One client that allocates, imports, snapshots, turns into bases, clones, exports and frees volumes of a guest of its
/// own, and remembers what was acknowledged.
actor LoadWorker {
  enum Kind: Sendable, Equatable {
    case plain(format: String)
    case base
    case clone(of: String)
  }

  struct Volume: Sendable {
    var volid: String
    var kind: Kind
    var snapshots: Set<String> = []
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
  private var requests = 0
  private var stops = false
  private var pending: LoadRequest?
  private(set) var volumes: [Volume] = []
  private(set) var acknowledged = 0
  private(set) var refused = 0
  private(set) var repeated = 0

  init(vmid: Int, socket: String) {
    self.vmid = vmid
    self.socket = socket
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
        _ = try? await client.export(volume.volid, ExportOptions(format: "raw+size")) { _ in }
        continue
      }
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
          end = .reported(doubt(request))
        } else {
          return false
        }
        return true
      }
    }
    pending = nil
    return isSettled ? end : .open("\(request) has no end: \(last.map(String.init(describing:)) ?? "")")
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
    switch Int.random(in: 0..<12, using: &generator) {
    case 0...2:
      if let volume = images.randomElement(using: &generator) { return .snapshot(volume.volid, name: "s\(requests)") }
    case 3, 4:
      if let base = bases.randomElement(using: &generator), volumes.count < Self.most { return .clone(base.volid) }
      fallthrough
    case 5:
      if bases.count < 2, let volume = plain.randomElement(using: &generator) { return .base(volume.volid) }
    case 6...8:
      if let volume = volumes.randomElement(using: &generator) { return .free(volume.volid) }
    default: break
    }
    guard volumes.count < Self.most else {
      // Bases with clones are refused; a clone or a plain volume goes.
      let free = volumes.filter { $0.kind != .base }.randomElement(using: &generator)
      return .free((free ?? volumes[0]).volid)
    }
    return generator.oneIn(6) ? .bringIn : .alloc(format: generator.oneIn(3) ? "raw" : "qcow2")
  }

  private func acknowledge(_ request: LoadRequest, _ volid: String?) {
    acknowledged += 1
    pending = nil
    switch request.work {
    case .alloc(let format): add(volid, .plain(format: format))
    case .bringIn: add(volid, .plain(format: "raw"))
    case .clone(let base): add(volid, .clone(of: base))
    case .base(let old):
      volumes.removeAll { $0.volid == old }
      add(volid, .base)
    case .snapshot(let volume, let name):
      if let index = volumes.firstIndex(where: { $0.volid == volume }) { volumes[index].snapshots.insert(name) }
    case .free(let volume): volumes.removeAll { $0.volid == volume }
    }
  }

  private func add(_ volid: String?, _ kind: Kind) {
    volumes.append(Volume(volid: volid ?? "an answer without a name", kind: kind))
  }

  /// Forgets what the request was about.
  private func doubt(_ request: LoadRequest) -> Set<String> {
    guard let subject = request.subject else { return [] }
    volumes.removeAll { $0.volid == subject }
    return [subject]
  }
}
