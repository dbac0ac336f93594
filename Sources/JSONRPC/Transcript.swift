// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import CShims
internal import JSON

/// Records the messages of a connection as NDJSON, one line each, secrets taken out.
///
/// A line is `{"ms": <since the epoch>, "direction": "in" | "out", "message": {…}}`. Off unless a connection is given one.
public struct Transcript: Sendable {
  enum Direction: String {
    case incoming = "in"
    case outgoing = "out"
  }

  private let isSecret: @Sendable (String) -> Bool
  private let write: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - isSecret: picks the members, by name and at any depth, whose values are replaced.
  ///   - write: takes one line, line feed included; called from several threads and not to block.
  public init(
    redacting isSecret: @escaping @Sendable (String) -> Bool, write: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.isSecret = isSecret
    self.write = write
  }

  func record(_ direction: Direction, _ message: JSON) {
    var line: [UInt8] = []
    let entry: JSON = [
      "ms": .int(berth_realtime_ns() / 1_000_000), "direction": .string(direction.rawValue),
      "message": message.redacted(where: isSecret),
    ]
    entry.write(into: &line)
    line.append(UInt8(ascii: "\n"))
    write(line)
  }
}
