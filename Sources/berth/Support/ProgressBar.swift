// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import ManagementTypes
internal import Synchronization

/// Shows how far long work is, to a person at a terminal: on standard error, so that it never mixes with what is
/// printed, or on standard output where only that is a terminal.
final class ProgressBar: Sendable {
  private struct State {
    var isShown = false
    var lastMs: Int64 = 0
  }

  private let state = Mutex(State())
  /// The terminal; nil: nothing is shown.
  private let terminal: Int32?

  /// - Parameter quiet: shows nothing.
  init(quiet: Bool = false) {
    terminal = quiet ? nil : [STDERR_FILENO, STDOUT_FILENO].first { isatty($0) == 1 }
  }

  /// Shows a job's progress.
  /// - Parameter total: taken where the job names none.
  func show(_ job: JobView, total: Int64? = nil) {
    guard let progress = job.progress else { return show(job.title, done: 0, total: total) }
    show(
      progress.message ?? progress.phase, done: progress.done,
      total: progress.total ?? total.map { max($0, progress.done) }, unit: progress.unit ?? "bytes")
  }

  /// Shows the work at that place; at most ten times a second.
  func show(_ label: String, done: Int64, total: Int64?, unit: String = "bytes") {
    guard let terminal else { return }
    let now = ProgressBar.nowMs()
    let due = state.withLock { state in
      guard now - state.lastMs >= 100 || done == total else { return false }
      state.lastMs = now
      state.isShown = true
      return true
    }
    guard due else { return }
    write("\r\u{1b}[K" + Self.line(label, done, total, unit, width: Table.terminalWidth(terminal)))
  }

  /// Takes it off the screen.
  func clear() {
    let shown = state.withLock { state in
      defer { state.isShown = false }
      return state.isShown
    }
    if shown { write("\r\u{1b}[K") }
  }

  private func write(_ text: String) {
    if let terminal { _ = Output.writeAll(Array(text.utf8), to: terminal) }
  }

  /// The line: label, bar, figures.
  static func line(_ label: String, _ done: Int64, _ total: Int64?, _ unit: String, width: Int) -> String {
    let amount: (Int64) -> String = { unit == "bytes" ? SizeColumn.text($0) : "\($0) \(unit)" }
    let shown = Failure.clean(label).prefix(30)
    guard let total, total > 0 else { return "\(shown)  \(amount(done))" }
    let fraction = min(1, max(0, Double(done) / Double(total)))
    let figures = "\(Int(fraction * 100))%  \(amount(done)) of \(amount(total))"
    let room = width - shown.count - figures.count - 7
    guard room >= 10 else { return "\(shown)  \(figures)" }
    let filled = Int(Double(min(room, 40)) * fraction)
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: min(room, 40) - filled)
    return "\(shown)  [\(bar)]  \(figures)"
  }

  private static func nowMs() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
  }
}
