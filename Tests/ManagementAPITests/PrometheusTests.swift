// SPDX-FileCopyrightText: The Berth developers
// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Testing

@testable import ManagementAPI

@Suite("Prometheus text")
struct PrometheusTests {
  @Test func figuresAreWrittenByFamilyWithTheirLabels() {
    let metrics = PrometheusMetrics()
    metrics.makeCounter(label: "http.requests", dimensions: [("path", "/a\"b\\\n"), ("code", "200")]).increment(by: 2)
    metrics.makeCounter(label: "http.requests", dimensions: [("code", "404"), ("path", "/")]).increment(by: 1)
    metrics.makeMeter(label: "active", dimensions: []).set(2.5)
    metrics.makeTimer(label: "duration", dimensions: []).recordNanoseconds(1_500_000_000)
    metrics.makeTimer(label: "duration", dimensions: []).recordNanoseconds(500_000_000)
    #expect(
      metrics.text() == """
        # TYPE active gauge
        active 2.5
        # TYPE duration_seconds summary
        duration_seconds_sum 2
        duration_seconds_count 2
        # TYPE http_requests_total counter
        http_requests_total{code="200",path="/a\\"b\\\\\\n"} 2
        http_requests_total{code="404",path="/"} 1
        # TYPE berth_metrics_refused_series gauge
        berth_metrics_refused_series 0

        """)
  }

  @Test func theNumberOfSeriesIsBounded() {
    let metrics = PrometheusMetrics(limit: 2)
    for index in 0..<5 { metrics.makeCounter(label: "c", dimensions: [("n", "\(index)")]).increment(by: 1) }
    #expect(metrics.text().contains("berth_metrics_refused_series 3"))
  }

  @Test(arguments: [("9lives", "_9lives"), ("a.b-c", "a_b_c"), ("", "")])
  func namesAreMadeValid(_ label: String, _ name: String) {
    #expect(PrometheusText.identifier(label) == name)
  }
}
