// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import Glibc

/// Asks a yes-or-no question on the terminal.
enum Ask {
  /// The answer; nil when there is no terminal to ask on.
  static func yes(_ question: String) -> Bool? {
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return nil }
    Failure.write(question + " [y/N] ")
    var answer: [UInt8] = []
    var byte: UInt8 = 0
    while berth_read(STDIN_FILENO, &byte, 1) == 1, byte != UInt8(ascii: "\n"), answer.count < 16 { answer.append(byte) }
    let text = String(decoding: answer, as: UTF8.self).lowercased()
    return text == "y" || text == "yes"
  }
}
