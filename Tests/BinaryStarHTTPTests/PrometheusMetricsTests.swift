import CoreMetrics
import Foundation
import Testing

@testable import BinaryStar
@testable import BinaryStarHTTP

@Suite struct PrometheusMetricsTests {
    private let metrics = PrometheusMetrics()

    @Test("What was counted and set is shown, and what never was is not") func text() {
        Counter(label: "requests.served", dimensions: [("b", "2"), ("a", "x\"\\\ny")], factory: metrics).increment(
            by: 3)
        FloatingPointCounter(label: "spent_total", factory: metrics).increment(by: 1.5)
        Meter(label: "set", factory: metrics).set(UInt64(1_795_647_382_612))
        _ = Meter(label: "unset", factory: metrics)
        Meter(label: "below", factory: metrics).decrement(by: 2.5)
        Gauge(label: "gauge", factory: metrics).record(7)
        #expect(
            metrics.text == """
                # TYPE below gauge
                below -2.5
                # TYPE gauge gauge
                gauge 7
                # TYPE requests_served_total counter
                requests_served_total{a="x\\"\\\\\\ny",b="2"} 3
                # TYPE set gauge
                set 1795647382612
                # TYPE spent_total counter
                spent_total 1.5

                """)
    }

    @Test("A timer is a histogram in seconds") func timer() {
        let timer = Timer(label: "took", dimensions: [("seat", "primary")], factory: metrics)
        for nanoseconds: Int64 in [40_000, 50_000, 60_000, 3_000_000, 20_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        let lines = metrics.text.split(separator: "\n")
        #expect(lines.first == "# TYPE took_seconds histogram")
        #expect(lines.contains("took_seconds_bucket{seat=\"primary\",le=\"5e-05\"} 2"))
        #expect(lines.contains("took_seconds_bucket{seat=\"primary\",le=\"0.0001\"} 3"))
        #expect(lines.contains("took_seconds_bucket{seat=\"primary\",le=\"0.005\"} 4"))
        #expect(lines.contains("took_seconds_bucket{seat=\"primary\",le=\"10\"} 4"))
        #expect(lines.contains("took_seconds_bucket{seat=\"primary\",le=\"+Inf\"} 5"))
        #expect(lines.last == "took_seconds_count{seat=\"primary\"} 5")
    }

    @Test("Two that ask for one metric share it, and what was destroyed is not shown") func sharing() {
        let first = Counter(label: "c", factory: metrics), second = Counter(label: "c", factory: metrics)
        first.increment()
        second.increment()
        #expect(metrics.text.contains("c_total 2"))
        // Another kind of the same name would be no text that Prometheus reads.
        Meter(label: "c_total", factory: metrics).set(5)
        #expect(metrics.text == "# TYPE c_total counter\nc_total 2\n")
        first.destroy()
        #expect(metrics.text == "")
    }

    @Test("Labels are in one order, and none occurs twice") func labels() {
        #expect(PrometheusText.labels([("b", "1"), ("a", "2")]) == PrometheusText.labels([("a", "2"), ("b", "1")]))
        #expect(PrometheusText.labels([("a.b", "1"), ("a_b", "2"), ("le", "3")]) == #"a_b="1",a_b_="2",le_="3""#)
    }

    @Test(arguments: [("a.b-c", "a_b_c"), ("1a", "_1a"), ("", "_"), ("é", "_"), ("a:b", "a:b")])
    func names(_ label: String, _ name: String) { #expect(PrometheusText.name(label) == name) }

    @Test func countersNeitherShrinkNorTrap() {
        let series = CounterSeries()
        series.increment(by: Int64.max)
        series.increment(by: Int64.max)
        series.increment(by: Int64(-5))
        series.increment(by: -1.5)
        series.increment(by: Double.nan)
        series.increment(by: Double.infinity)
        var text = ""
        series.write("c", "", to: &text)
        #expect(text == "c 0\n")
    }

    @Test("Each metric of a star and of a client has its line of help, the one of the article") func help() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let article = try String(
            contentsOf: root.appending(path: "Sources/BinaryStar/BinaryStar.docc/Observability.md"), encoding: .utf8)
        var texts: [String: String] = [:]
        for line in article.split(separator: "\n") where line.hasPrefix("| `bstar_") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let name = cells[1].filter { $0 != "`" } + (cells[2] == "timer" ? "_seconds" : "")
            texts[name] = cells[4].filter { $0 != "`" }
        }
        #expect(texts.count == MetricName.allCases.count)
        #expect(MetricHelp.texts == texts)
    }
}
