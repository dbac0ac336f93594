// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension Report {
  /// A form a report can be written in.
  public enum Format: String, Sendable, CaseIterable {
    case text, junit, tap, json
  }

  public func rendered(_ format: Format) -> String {
    switch format {
    case .text: text
    case .junit: junit
    case .tap: tap
    case .json: json.text(.pretty) + "\n"
    }
  }

  private var text: String {
    var lines: [String] = []
    for result in results where result.verdict == .failed || result.verdict == .broken {
      let weight = result.check.severity == .required ? "" : ", recommended only"
      lines.append(
        "\(result.verdict.rawValue) \(result.check.id) [\(result.check.clause)\(weight)]: \(result.check.title)")
      lines.append("    \(Self.oneLine(result.message))")
    }
    lines += skips
    if !lines.isEmpty { lines.append("") }
    lines.append(plugin.isEmpty ? bundle : "\(plugin) \(version), bundle \(digest.prefix(16))")
    let met = levelsMet.map(\.rawValue)
    lines.append("levels met: \(met.isEmpty ? "none" : met.joined(separator: ", "))")
    lines.append(summary)
    return lines.joined(separator: "\n") + "\n"
  }

  /// What was skipped, by reason, in the order the reasons came up: most checks of a small plugin share a few.
  private var skips: [String] {
    var reasons: [(text: String, ids: [String])] = []
    for result in results where result.verdict == .skipped {
      let text = Self.oneLine(result.message)
      if let place = reasons.firstIndex(where: { $0.text == text }) {
        reasons[place].ids.append(result.check.id)
      } else {
        reasons.append((text, [result.check.id]))
      }
    }
    return reasons.map { "skipped, \($0.text): \($0.ids.joined(separator: ", "))" }
  }

  public var summary: String {
    "\(count(.passed)) passed, \(count(.failed)) failed, \(count(.skipped)) skipped, \(count(.broken)) not possible"
  }

  private var tap: String {
    var lines = ["TAP version 14", "1..\(results.count)"]
    for (place, result) in results.enumerated() {
      let start = result.verdict == .passed || result.verdict == .skipped ? "ok" : "not ok"
      let id = result.check.id.replacing("#", with: "\\#")
      let directive =
        result.verdict == .skipped
        ? " # SKIP \(Self.oneLine(result.message))"
        : result.check.severity == .recommended && result.verdict == .failed ? " # TODO recommended only" : ""
      lines.append("\(start) \(place + 1) - \(id)\(directive)")
      if result.verdict == .failed || result.verdict == .broken {
        lines.append("  ---")
        lines.append("  message: \(JSON.string(Self.oneLine(result.message)).text())")
        lines.append("  clause: \(JSON.string(result.check.clause).text())")
        lines.append("  severity: \(result.check.severity.rawValue)")
        lines.append("  ...")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var junit: String {
    let failures = results.count { $0.isFailure }
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuite name=\"\(Self.xml("berth-conformance \(plugin) \(version)"))\" tests=\"\(results.count)\" "
        + "failures=\"\(failures)\" errors=\"\(count(.broken))\" skipped=\"\(count(.skipped))\" "
        + "time=\"\(Self.seconds(time))\">",
    ]
    for result in results {
      let head =
        "  <testcase classname=\"\(result.check.level.rawValue)\" name=\"\(Self.xml(result.check.id))\" "
        + "time=\"\(Self.seconds(result.time))\""
      let message = Self.xml(Self.oneLine(result.message))
      switch result.verdict {
      case .passed: lines.append(head + "/>")
      case .skipped: lines.append(head + "><skipped message=\"\(message)\"/></testcase>")
      case .broken: lines.append(head + "><error message=\"\(message)\"/></testcase>")
      case .failed where result.isFailure:
        lines.append(head + "><failure message=\"\(message)\">\(Self.xml(result.check.title))</failure></testcase>")
      case .failed: lines.append(head + "><system-out>recommended: \(message)</system-out></testcase>")
      }
    }
    lines.append("</testsuite>")
    return lines.joined(separator: "\n") + "\n"
  }

  private var json: JSON {
    [
      "plugin": .string(plugin), "version": .string(version), "bundle": .string(bundle), "digest": .string(digest),
      "seconds": .double(Self.number(time)), "levelsMet": .array(levelsMet.map { .string($0.rawValue) }),
      "passed": .int(Int64(count(.passed))), "failed": .int(Int64(count(.failed))),
      "skipped": .int(Int64(count(.skipped))), "broken": .int(Int64(count(.broken))),
      "checks": .array(
        results.map { result in
          [
            "id": .string(result.check.id), "title": .string(result.check.title),
            "clause": .string(result.check.clause), "level": .string(result.check.level.rawValue),
            "severity": .string(result.check.severity.rawValue), "verdict": .string(result.verdict.rawValue),
            "message": .string(result.message), "seconds": .double(Self.number(result.time)),
          ]
        }),
    ]
  }

  private static func number(_ time: Duration) -> Double {
    let (seconds, fraction) = time.components
    return Double(seconds) + (Double(fraction) / 1e15).rounded() / 1000
  }

  private static func seconds(_ time: Duration) -> String { String(number(time)) }

  /// What a plugin said may hold anything: control characters are shown as blanks.
  private static func oneLine(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(2000).map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: " "
          default: scalar
          }
        }))
  }

  private static func xml(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
