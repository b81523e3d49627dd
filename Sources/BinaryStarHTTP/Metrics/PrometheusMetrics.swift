import BinaryStar
public import CoreMetrics

/// A backend of swift-metrics that keeps the values in memory, for Prometheus to fetch. Give it to the star and to the
/// ``StatusServer``, or bootstrap the whole process with it; any thread may use it.
///
/// | of swift-metrics | here |
/// |---|---|
/// | counter | a counter, its name ending with `_total` |
/// | meter, gauge | a gauge, shown once it has been set |
/// | recorder | a histogram |
/// | timer | a histogram in seconds, its name ending with `_seconds` |
///
/// Characters that Prometheus does not take in a name become `_`. Metrics of one name are of one kind: what asks for
/// the name of another kind is dropped.
///
/// Source: Prometheus, "Exposition formats", version 0.0.4.
public final class PrometheusMetrics: MetricsFactory {
    /// The values of a metric, by their labels, written as they are shown.
    struct Family {
        var kind: Kind
        var series: [String: any Series] = [:]
    }

    enum Kind: String {
        case counter, gauge, histogram
    }

    private let families = Lock<[String: Family]>([:])

    public init() {}

    // MARK: The factory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter, suffix: "_total", CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter, suffix: "_total", CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge, GaugeSeries.init) ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else {
            return series(label, dimensions, .gauge, GaugeSeries.init) ?? NOOPMetricsHandler.instance
        }
        return series(label, dimensions, .histogram, HistogramSeries.init) ?? NOOPMetricsHandler.instance
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram, suffix: "_seconds", HistogramSeries.init) ?? NOOPMetricsHandler.instance
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    /// The values of this name and these labels, which all that ask share; `nil` if the name is another kind's.
    private func series<Value: Series>(
        _ label: String, _ dimensions: [(String, String)], _ kind: Kind, suffix: String = "",
        _ make: @Sendable () -> Value
    ) -> Value? {
        var name = PrometheusText.name(label)
        if !name.hasSuffix(suffix) { name += suffix }
        let labels = PrometheusText.labels(dimensions)
        return families.withLock { families in
            if let series = families[name]?.series[labels] { return series as? Value }
            guard families[name]?.kind ?? kind == kind else { return nil }
            let series = make()
            families[name, default: Family(kind: kind)].series[labels] = series
            return series
        }
    }

    private func remove(_ handler: any Sendable) {
        guard let handler = handler as? any Series else { return }
        families.withLock { families in
            for (name, var family) in families {
                family.series = family.series.filter { $0.value !== handler }
                families[name] = family.series.isEmpty ? nil : family
            }
        }
    }

    // MARK: The text

    /// All metrics as Prometheus reads them, in the order of their names.
    public var text: String {
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            var lines = ""
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(name, labels, to: &lines)
            }
            guard !lines.isEmpty else { continue }
            if let help = MetricHelp.texts[name] { text += "# HELP \(name) \(PrometheusText.help(help))\n" }
            text += "# TYPE \(name) \(family.kind.rawValue)\n\(lines)"
        }
        return text
    }
}
