// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A table for people: columns as wide as their content, on a terminal never wider than it.
struct Table {
  enum Alignment {
    case left
    case right
  }

  struct Column {
    var title: String
    var alignment: Alignment
    /// Whether it may be cut when the terminal is too narrow.
    var isFlexible: Bool

    init(_ title: String, _ alignment: Alignment = .left, flexible: Bool = false) {
      self.title = title
      self.alignment = alignment
      isFlexible = flexible
    }
  }

  var columns: [Column]
  var rows: [[String]] = []

  init(_ columns: [Column]) { self.columns = columns }

  mutating func add(_ cells: [String]) { rows.append(cells.map(Failure.clean)) }

  /// The table as text, no line longer than the width (unless its fixed columns alone are).
  func render(width: Int?) -> String {
    var widths = columns.indices.map { index in
      max(columns[index].title.count, rows.map { $0[index].count }.max() ?? 0)
    }
    if let width {
      var excess = widths.reduce(0, +) + 2 * (columns.count - 1) - width
      while excess > 0 {
        let flexible = columns.indices.filter { columns[$0].isFlexible && widths[$0] > max(8, columns[$0].title.count) }
        guard let widest = flexible.max(by: { widths[$0] < widths[$1] }) else { break }
        widths[widest] -= 1
        excess -= 1
      }
    }
    return ([columns.map(\.title)] + rows).map { cells in
      var line = ""
      for (index, cell) in cells.enumerated() {
        let shown = cell.count > widths[index] ? String(cell.prefix(widths[index] - 1)) + "…" : cell
        let padding = String(repeating: " ", count: widths[index] - shown.count)
        line += (index == 0 ? "" : "  ") + (columns[index].alignment == .right ? padding + shown : shown + padding)
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  /// Prints it, sized to the terminal when there is one.
  func print() {
    Output.write(Array(render(width: Output.isTerminal ? Table.terminalWidth() : nil).utf8))
  }

  /// The terminal's columns, 80 when it does not tell.
  static func terminalWidth(_ fd: Int32 = STDOUT_FILENO) -> Int {
    var size = winsize()
    guard ioctl(fd, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
