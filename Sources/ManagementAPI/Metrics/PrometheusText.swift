// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

/// Writes figures in Prometheus' text format, version 0.0.4.
struct PrometheusText {
  static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var text = ""

  /// The head of a family.
  mutating func family(_ name: String, _ kind: PrometheusSeries.Kind) {
    let type =
      switch kind {
      case .counter: "counter"
      case .gauge: "gauge"
      case .summary, .seconds: "summary"
      }
    text += "# TYPE \(name) \(type)\n"
  }

  /// A series with all its samples.
  mutating func add(_ name: String, _ labels: [[String]], _ series: PrometheusSeries) {
    let value = series.value
    switch series.kind {
    case .counter, .gauge: sample(name, labels, value.sum)
    case .summary, .seconds:
      sample(name + "_sum", labels, value.sum)
      sample(name + "_count", labels, Double(value.count))
    }
  }

  /// One line.
  mutating func sample(_ name: String, _ labels: [[String]], _ value: Double) {
    text += name
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0[0])=\"\(Self.escape($0[1]))\"" }.joined(separator: ",") + "}"
    }
    text += " " + Self.number(value) + "\n"
  }

  /// A metric's name from a label: `http.server.duration` → `http_server_duration_seconds`, counters end in `_total`.
  static func name(_ label: String, kind: PrometheusSeries.Kind) -> String {
    let name = identifier(label)
    switch kind {
    case .counter: return name.hasSuffix("_total") ? name : name + "_total"
    case .seconds: return name.hasSuffix("_seconds") ? name : name + "_seconds"
    case .gauge, .summary: return name
    }
  }

  /// What may stand as a name: letters, digits and underscores, no digit first.
  static func identifier(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "_": result.unicodeScalars.append(scalar)
      case "0"..."9":
        if result.isEmpty { result = "_" }
        result.unicodeScalars.append(scalar)
      default: result += "_"
      }
    }
    return result
  }

  private static func escape(_ value: String) -> String {
    var result = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
  }
}
