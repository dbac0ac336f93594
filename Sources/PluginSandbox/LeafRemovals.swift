// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Control groups that are still to be removed: when their time came no launcher answered.
///
/// The launcher is asked again and again until they are gone, whether or not anything else is to be started. Of most it
/// is certain that nothing runs in them; of a start that broke off it is not, and its holder starts nothing before that
/// group is gone.
final class LeafRemovals: Sendable {
  struct Leaf: Sendable, Hashable {
    var instance: String
    /// Set while something may run in it: whose it is.
    var holder: String?
  }

  private struct State {
    var leaves: Set<Leaf> = []
    var isTrying = false
  }

  private let scope: String
  private let transport: Launcher.Transport
  private let state = Mutex(State())
  private static let (firstPause, longestPause) = (Duration.milliseconds(50), Duration.seconds(10))

  init(scope: String, transport: Launcher.Transport) {
    self.scope = scope
    self.transport = transport
  }

  /// How many wait.
  var count: Int { state.withLock { $0.leaves.count } }

  /// Removes an instance's groups; what cannot be removed now is tried again later. Blocks.
  func remove(_ instance: String) {
    do throws(SandboxError) { try Launcher.remove(instance, scope: scope, transport: transport) } catch {
      later(Leaf(instance: instance))
    }
  }

  /// Has it removed in the background, until it is.
  func later(_ leaf: Leaf) {
    let isFirst = state.withLock { state in
      state.leaves.insert(leaf)
      defer { state.isTrying = true }
      return !state.isTrying
    }
    guard isFirst else { return }
    // Without us there is nobody left to do it for: the next daemon sweeps.
    Task.detached { [weak self] in
      var pause = Self.firstPause
      repeat {
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, Self.longestPause)
      } while await self?.tryAll() == true
    }
  }

  /// Makes sure that nothing runs of a holder's broken-off starts. Blocks.
  /// - Throws: why that is not certain; then nothing may be started for it.
  func settle(_ holder: String) throws(SandboxError) {
    for leaf in state.withLock({ $0.leaves.filter { $0.holder == holder } }) { try remove(leaf) }
  }

  /// A leaf waits until it is gone, so that its holder meets it meanwhile.
  private func remove(_ leaf: Leaf) throws(SandboxError) {
    try Launcher.remove(leaf.instance, scope: scope, transport: transport)
    state.withLock { _ = $0.leaves.remove(leaf) }
  }

  /// - Returns: whether any still waits.
  private func tryAll() async -> Bool {
    await Blocking.run { [self] in
      for leaf in state.withLock({ $0.leaves }) {
        do throws(SandboxError) { try remove(leaf) } catch {
          // Nobody answers for the others either.
          if error.code == .launcherUnavailable { break }
        }
      }
    }
    return state.withLock { state in
      state.isTrying = !state.leaves.isEmpty
      return state.isTrying
    }
  }
}
