// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

internal import StorageHost

/// What `/metrics` says of each plugin process, counted by its supervisor.
enum PluginFigures {
  /// Crashes, and what it sent that it must not.
  static func text(_ processes: [ProcessSummary]) -> String {
    var text = PrometheusText()
    let crashes = "berth_plugin_crashes_total"
    text.family(crashes, .counter)
    for process in processes { text.sample(crashes, labels(process), Double(process.crashes)) }
    let faults = "berth_plugin_faults_total"
    text.family(faults, .counter)
    for process in processes {
      let counts = [
        ("duplicate_answer", process.faults.duplicateAnswers), ("late_answer", process.faults.lateAnswers),
        ("stray_line", process.faults.strayLines), ("unknown_answer", process.faults.unknownAnswers),
      ]
      for (kind, count) in counts { text.sample(faults, [["kind", kind]] + labels(process), Double(count)) }
    }
    return text.text
  }

  private static func labels(_ process: ProcessSummary) -> [[String]] {
    [["plugin", process.plugin], ["storeid", process.storeid ?? ""]]
  }
}
