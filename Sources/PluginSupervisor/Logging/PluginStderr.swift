// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization

/// What one child writes to its standard error: into the log, and the last lines kept for error messages.
final class PluginStderr: Sendable {
  private struct State {
    var splitter = LineSplitter()
    var budget: LineBudget
    var recent: [String] = []
    var recentBytes = 0
  }

  /// Lines and bytes kept for the message of a crash.
  static let keptLines = 20
  static let keptBytes = 4096

  private let logger: Logger
  private let state: Mutex<State>

  /// - Parameter logger: carries plugin and storage id as metadata.
  init(logger: Logger, budget: LineBudget = LineBudget()) {
    self.logger = logger
    state = Mutex(State(budget: budget))
  }

  /// Takes bytes as they were read.
  func feed(_ bytes: UnsafeRawBufferPointer) {
    state.withLock { state in
      var lines: [String] = []
      state.splitter.feed(bytes) { lines.append($0) }
      for line in lines { note(line, &state) }
    }
  }

  /// The stream has ended: the last line and the count of suppressed lines go out.
  func finish() {
    state.withLock { state in
      var lines: [String] = []
      state.splitter.finish { lines.append($0) }
      for line in lines { note(line, &state) }
      let suppressed = state.budget.settle()
      if suppressed > 0 { logger.notice("suppressed \(suppressed) lines of plugin output") }
    }
  }

  /// The last lines, oldest first: escaped and bounded.
  var lastLines: [String] { state.withLock { $0.recent } }

  private func note(_ line: String, _ state: inout State) {
    state.recent.append(line)
    state.recentBytes += line.utf8.count
    while state.recent.count > Self.keptLines || (state.recentBytes > Self.keptBytes && state.recent.count > 1) {
      state.recentBytes -= state.recent.removeFirst().utf8.count
    }
    switch state.budget.admit() {
    case .suppress: break
    case .passAfter(let suppressed):
      logger.notice("suppressed \(suppressed) lines of plugin output")
      logger.info("\(line)")
    case .pass: logger.info("\(line)")
    }
  }
}
