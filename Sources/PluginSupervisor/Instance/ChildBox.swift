// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Lets a child's own callbacks find the child, which does not exist yet when they are made.
final class ChildBox: Sendable {
  private let content = Mutex<WeakChild>(WeakChild())

  private struct WeakChild {
    weak var child: PluginChild?
  }

  var child: PluginChild? { content.withLock { $0.child } }

  func set(_ child: PluginChild) { content.withLock { $0.child = child } }
}
