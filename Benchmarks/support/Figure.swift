// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One measured figure beside its peer's, and what it must reach.
package struct Figure {
  /// What the ratio (figure by peer) or, without a peer, the figure itself must be.
  package enum Target {
    case atLeast(Double)
    case atMost(Double)
    /// Told for information.
    case none
  }

  /// What was measured: `export crc32`.
  package var name: String
  package var figure: Double
  /// The peer's figure; nil when the target concerns the figure itself.
  package var peer: Double?
  /// What the peer is.
  package var peerName = ""
  /// `µs`, `MB/s`, …
  package var unit: String
  package var target: Target

  package init(
    name: String, figure: Double, peer: Double? = nil, peerName: String = "", unit: String, target: Target
  ) {
    self.name = name
    self.figure = figure
    self.peer = peer
    self.peerName = peerName
    self.unit = unit
    self.target = target
  }

  private var judged: Double { peer.map { figure / $0 } ?? figure }

  package var isMet: Bool {
    switch target {
    case .atLeast(let limit): judged >= limit
    case .atMost(let limit): judged <= limit
    case .none: true
    }
  }

  /// `name: figure, peer, ratio, target, ok|short`.
  package var line: String {
    let peerText = peer.map { "\(rounded($0)) \(unit) (\(peerName))" } ?? "-"
    let ratio = peer == nil ? "-" : rounded(judged)
    let targetText =
      switch target {
      case .atLeast(let limit): ">= \(rounded(limit))"
      case .atMost(let limit): "<= \(rounded(limit))"
      case .none: "-"
      }
    return "\(name): \(rounded(figure)) \(unit), \(peerText), \(ratio), \(targetText), \(isMet ? "ok" : "short")"
  }
}

/// Three digits that count.
package func rounded(_ value: Double) -> String {
  if value.magnitude >= 100 { return String(Int(value.rounded())) }
  let factor: Double = value.magnitude >= 10 ? 10 : 100
  let text = String((value * factor).rounded() / factor)
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// The middle one; of an even count the lower middle.
package func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? .nan : sorted[(sorted.count - 1) / 2]
}

/// The value that this share (0…1) of all values does not exceed.
package func percentile(_ values: [Double], _ share: Double) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}

/// A line for people, beside the figures.
package func complain(_ text: String) {
  let line = Array((text + "\n").utf8)
  _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

/// Why a benchmark could not be run.
package struct BenchmarkError: Error, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}
