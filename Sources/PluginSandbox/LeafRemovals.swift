// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Control groups that are still to be removed: when their time came no launcher answered.
///
/// The next launcher that answers removes them. Of most it is certain that nothing runs in them; of a start that broke
/// off it is not, and its holder starts nothing before that group is gone.
final class LeafRemovals: Sendable {
  struct Leaf: Sendable, Hashable {
    var instance: String
    /// Set while something may run in it: whose it is.
    var holder: String?
  }

  private let scope: String
  private let transport: Launcher.Transport
  private let leaves = Mutex<Set<Leaf>>([])

  init(scope: String, transport: Launcher.Transport) {
    self.scope = scope
    self.transport = transport
  }

  /// How many wait.
  var count: Int { leaves.withLock { $0.count } }

  /// Removes an instance's groups; what cannot be removed now is tried again later. Blocks.
  func remove(_ instance: String) {
    do throws(SandboxError) { try Launcher.remove(instance, scope: scope, transport: transport) } catch {
      later(Leaf(instance: instance))
    }
  }

  func later(_ leaf: Leaf) { leaves.withLock { _ = $0.insert(leaf) } }

  /// Makes sure that nothing runs of a holder's broken-off starts. Blocks.
  /// - Throws: why that is not certain; then nothing may be started for it.
  func settle(_ holder: String) throws(SandboxError) {
    for leaf in leaves.withLock({ $0.filter { $0.holder == holder } }) {
      try Launcher.remove(leaf.instance, scope: scope, transport: transport)
      leaves.withLock { _ = $0.remove(leaf) }
    }
  }

  /// Removes in the background what waits, now that a launcher answers.
  func retry() {
    let waiting = leaves.withLock { leaves in
      defer { leaves = [] }
      return leaves
    }
    guard !waiting.isEmpty else { return }
    Blocking.detach { [self] in
      for leaf in waiting {
        do throws(SandboxError) { try Launcher.remove(leaf.instance, scope: scope, transport: transport) } catch {
          later(leaf)
        }
      }
    }
  }
}
