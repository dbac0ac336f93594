// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

public import CoreMetrics
internal import Synchronization

/// A swift-metrics backend that keeps figures in memory and writes them as Prometheus text (format 0.0.4).
///
/// Counters count up, meters show the last value, recorders and timers are summaries of count and sum. The number of
/// series is bounded: what comes after the bound goes into handlers nobody reads, and a gauge says how many did.
public final class PrometheusMetrics: MetricsFactory {
  struct Key: Hashable {
    var name: String
    var labels: [[String]]
  }

  private struct State {
    var series: [Key: PrometheusSeries] = [:]
    var refused = 0
  }

  private let state = Mutex(State())
  private let limit: Int

  /// - Parameter limit: most series that are kept.
  public init(limit: Int = 4_096) { self.limit = limit }

  private func series(_ kind: PrometheusSeries.Kind, _ label: String, _ dimensions: [(String, String)])
    -> PrometheusSeries
  {
    let key = Key(
      name: PrometheusText.name(label, kind: kind),
      labels: dimensions.map { [PrometheusText.identifier($0.0), $0.1] }.sorted { $0[0] < $1[0] })
    return state.withLock { state in
      if let known = state.series[key] { return known }
      let new = PrometheusSeries(kind)
      if state.series.count < limit { state.series[key] = new } else { state.refused += 1 }
      return new
    }
  }

  private func remove(_ handler: AnyObject) {
    state.withLock { state in
      guard let key = state.series.first(where: { $0.value === handler })?.key else { return }
      state.series[key] = nil
    }
  }

  /// All figures as text, families in order of their names.
  public func text() -> String {
    let (series, refused) = state.withLock { ($0.series, $0.refused) }
    var text = PrometheusText()
    let families = Dictionary(grouping: series, by: \.key.name).sorted { $0.key < $1.key }
    for (name, members) in families {
      guard let kind = members.first?.value.kind else { continue }
      text.family(name, kind)
      let sorted = members.sorted { $0.key.labels.description < $1.key.labels.description }
      for (key, value) in sorted { text.add(name, key.labels, value) }
    }
    text.family("berth_metrics_refused_series", .gauge)
    text.sample("berth_metrics_refused_series", [], Double(refused))
    return text.text
  }

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(.counter, label, dimensions)
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(.gauge, label, dimensions)
  }

  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    series(aggregate ? .summary : .gauge, label, dimensions)
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(.seconds, label, dimensions)
  }

  public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
