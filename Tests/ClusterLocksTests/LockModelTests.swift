// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ClusterLocks

/// The lock table against the simplest thing that could be right: a list of who asked, in order.
@Suite struct LockModelTests {
  /// One lock as a list: the first is the holder, the others wait in order.
  private struct Model {
    struct Claim {
      var ticket: UInt64
      var lease: Lease?
      var deadline: Int
      var expires = 0
      var isReclaiming = false
    }

    var claims: [LockName: [Claim]] = [:]
  }

  @Test func `random steps do what a list would do`() {
    Fuzz.run(rounds: 150) { seed, generator in
      let names = [LockName.config, .storage("a"), .volume("a", "1/x")]
      var table = LockTable()
      var tokens = TokenRange(next: 1, bound: 1 + UInt64.random(in: 0...12, using: &generator))
      var model = Model()
      var now = 0
      var ticket: UInt64 = 0
      var lastToken = FencingToken(rawValue: 0)
      /// Leases that were held once and are not any more.
      var past: [Lease] = []

      func seconds(_ count: Int) -> Duration { .seconds(count) }

      /// What the table said must be what the model expects next; the model moves with it.
      func absorb(_ effects: [LockTable.Effect]) {
        for effect in effects {
          switch effect {
          case .granted(let ticket, let lease):
            #expect(lease.token > lastToken, "seed \(seed): tokens only grow")
            lastToken = lease.token
            #expect(lease.token.rawValue < tokens.bound, "seed \(seed): no token beyond the durable bound")
            var claims = model.claims[lease.name] ?? []
            #expect(
              claims.first?.ticket == ticket && claims.first?.lease == nil, "seed \(seed): first come, first served")
            if !claims.isEmpty {
              claims[0].lease = lease
              claims[0].expires = now + Int(lease.ttl / .seconds(1))
            }
            model.claims[lease.name] = claims
          case .failed(let ticket, let error):
            for (name, claims) in model.claims {
              guard let index = claims.firstIndex(where: { $0.ticket == ticket }) else { continue }
              #expect(claims[index].lease == nil, "seed \(seed): a holder never fails")
              if error.code == .timeout {
                #expect(claims[index].deadline <= now, "seed \(seed): not before its deadline")
              }
              model.claims[name]?.remove(at: index)
            }
          case .reclaim(let lease, _):
            #expect(model.claims[lease.name]?.first?.lease == lease, "seed \(seed): only a holder is reclaimed")
            #expect((model.claims[lease.name]?.first?.expires ?? .max) <= now, "seed \(seed): not before its time")
            model.claims[lease.name]?[0].isReclaiming = true
          }
        }
      }

      func drop(_ name: LockName) {
        if let lease = model.claims[name]?.removeFirst().lease { past.append(lease) }
      }

      for _ in 0..<80 {
        let name = names[Int.random(in: 0..<3, using: &generator)]
        let at = seconds(now)
        switch Int.random(in: 0..<9, using: &generator) {
        case 0, 1, 2:
          ticket += 1
          let timeout = generator.oneIn(4) ? 0 : Int.random(in: 1...20, using: &generator)
          let request = LockRequest(
            name, owner: "o\(ticket)", operation: "test", ttl: .seconds(Int.random(in: 1...10, using: &generator)),
            timeout: .seconds(timeout))
          model.claims[name, default: []].append(Model.Claim(ticket: ticket, lease: nil, deadline: now + timeout))
          let effect = table.request(request, ticket: ticket, now: at, nowMs: 0, tokens: &tokens)
          if let effect { absorb([effect]) }
        case 3, 4:
          guard let lease = model.claims[name]?.first?.lease else { break }
          drop(name)
          guard let effects = table.release(lease, now: at, nowMs: 0, tokens: &tokens) else {
            Issue.record("seed \(seed): a held lease was not released")
            return
          }
          absorb(effects)
        case 5:
          guard let lease = past.randomElement(using: &generator) else { break }
          #expect(table.release(lease, now: at, nowMs: 0, tokens: &tokens) == nil, "seed \(seed): released twice")
          #expect(throws: LockError.self, "seed \(seed)") { try table.renew(lease, now: at) }
        case 6:
          guard let claim = model.claims[name]?.dropFirst().randomElement(using: &generator) else { break }
          guard let effect = table.cancel(ticket: claim.ticket, name: name) else {
            Issue.record("seed \(seed): a waiter could not be cancelled")
            return
          }
          absorb([effect])
          #expect(table.cancel(ticket: claim.ticket, name: name) == nil, "seed \(seed): cancelled twice")
        case 7:
          now += Int.random(in: 0...6, using: &generator)
          absorb(table.tick(now: seconds(now)))
          guard let claim = model.claims[name]?.first, claim.isReclaiming, let lease = claim.lease else { break }
          switch Int.random(in: 0..<3, using: &generator) {
          case 0:
            drop(name)
            absorb(table.settle(lease, .verifiedDead, now: seconds(now), nowMs: 0, tokens: &tokens))
          case 1:
            model.claims[name]?[0].isReclaiming = false
            model.claims[name]?[0].expires = now + 5
            absorb(table.settle(lease, .extended(.seconds(5)), now: seconds(now), nowMs: 0, tokens: &tokens))
          default:
            absorb(table.settle(lease, .unkillable(reason: "D"), now: seconds(now), nowMs: 0, tokens: &tokens))
          }
        default:
          tokens.extend(to: tokens.bound + UInt64.random(in: 0...5, using: &generator))
          absorb(table.serveAll(now: at, nowMs: 0, tokens: &tokens))
        }
        let expected = model.claims.filter { !$0.value.isEmpty }
        let listed = table.list(now: seconds(now))
        #expect(listed.map(\.name) == expected.keys.sorted(), "seed \(seed): the list shows what is there")
        for status in listed {
          let claims = expected[status.name] ?? []
          #expect(status.holder?.token == claims.first?.lease?.token, "seed \(seed)")
          let waiting = claims.filter { $0.lease == nil }.map { "o\($0.ticket)" }
          #expect(status.waiters.map(\.owner) == waiting, "seed \(seed): the queue keeps its order")
        }
      }
    }
  }
}
