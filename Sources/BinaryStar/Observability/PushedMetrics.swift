import CoreMetrics

// What is counted is kept as plain numbers, which cost nothing to speak of; a backend is told of the difference now and then.

/// The dimensions of a metric.
typealias Dimensions = [(MetricDimension, String)]

extension Dimensions {
    fileprivate var named: [(String, String)] { map { ($0.0.rawValue, $0.1) } }
}

/// A number that only grows.
struct PushedCounter {
    private let counter: Counter
    private var pushed = 0

    init(_ name: MetricName, _ dimensions: Dimensions, _ factory: any MetricsFactory) {
        counter = Counter(label: name.rawValue, dimensions: dimensions.named, factory: factory)
    }

    mutating func push(_ total: Int) {
        guard total > pushed else { return }
        counter.increment(by: total - pushed)
        pushed = total
    }
}

/// Numbers that only grow, one for each value of a dimension.
struct PushedCounters<Key: Hashable> {
    private let make: (Key) -> PushedCounter
    private var counters: [Key: PushedCounter] = [:]

    /// - Parameter keys: those that the backend is told of from the start, as zero.
    init(
        _ name: MetricName, _ dimensions: Dimensions, by dimension: MetricDimension, _ keys: [Key],
        _ factory: any MetricsFactory, value: @escaping (Key) -> String
    ) {
        make = { PushedCounter(name, dimensions + [(dimension, value($0))], factory) }
        for key in keys { counters[key] = make(key) }
    }

    mutating func push(_ totals: [Key: Int]) {
        for (key, total) in totals { counters[key, default: make(key)].push(total) }
    }
}

/// A sum of times, in seconds.
struct PushedSeconds {
    private let counter: FloatingPointCounter
    private var pushed = Duration.zero

    init(_ name: MetricName, _ dimensions: Dimensions, _ factory: any MetricsFactory) {
        counter = FloatingPointCounter(label: name.rawValue, dimensions: dimensions.named, factory: factory)
    }

    mutating func push(_ total: Duration) {
        guard total > pushed else { return }
        counter.increment(by: (total - pushed) / .seconds(1))
        pushed = total
    }
}

/// A value as it is now.
struct PushedValue {
    private let meter: Meter
    private var pushed: Double?

    init(_ name: MetricName, _ dimensions: Dimensions, _ factory: any MetricsFactory) {
        meter = Meter(label: name.rawValue, dimensions: dimensions.named, factory: factory)
    }

    mutating func push(_ value: Double) {
        guard value != pushed else { return }
        meter.set(value)
        pushed = value
    }

    mutating func push(_ value: Bool) { push(value ? 1 : 0) }
}

/// What one of many has of a value that they share: the backend sees the sum.
struct PushedShare {
    private let meter: Meter
    private var pushed = 0

    init(_ name: MetricName, _ dimensions: Dimensions, _ factory: any MetricsFactory) {
        meter = Meter(label: name.rawValue, dimensions: dimensions.named, factory: factory)
    }

    mutating func push(_ value: Int) {
        if value > pushed { meter.increment(by: Double(value - pushed)) }
        if value < pushed { meter.decrement(by: Double(pushed - value)) }
        pushed = value
    }
}

extension Timer {
    convenience init(_ name: MetricName, _ dimensions: Dimensions, _ factory: any MetricsFactory) {
        self.init(label: name.rawValue, dimensions: dimensions.named, factory: factory)
    }
}
