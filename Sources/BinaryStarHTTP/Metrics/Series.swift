import BinaryStar
import CoreMetrics

/// The values of one metric with one set of labels.
protocol Series: AnyObject, Sendable {
    /// Writes the lines, or none if there is nothing to tell yet.
    func write(_ name: String, _ labels: String, to text: inout String)
}

/// A number that only grows; whole ones are exact, whatever was added in fractions.
final class CounterSeries: Series, CounterHandler, FloatingPointCounterHandler {
    private let value = Lock((whole: Int64(0), fraction: 0.0))

    func increment(by amount: Int64) {
        value.withLock { value in
            let (sum, isTooMuch) = value.whole.addingReportingOverflow(max(0, amount))
            value.whole = isTooMuch ? 0 : sum
        }
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        value.withLock { $0.fraction += amount }
    }

    func reset() { value.withLock { $0 = (0, 0) } }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let (whole, fraction) = value.withLock { $0 }
        text += PrometheusText.line(
            name, labels, fraction == 0 ? "\(whole)" : PrometheusText.number(Double(whole) + fraction))
    }
}

/// A value as it is now.
final class GaugeSeries: Series, MeterHandler, RecorderHandler {
    private let value = Lock<Double?>(nil)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 = ($0 ?? 0) + amount } }
    func decrement(by amount: Double) { increment(by: -amount) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        guard let value = value.withLock({ $0 }) else { return }
        text += PrometheusText.line(name, labels, PrometheusText.number(value))
    }
}

/// How often which values occurred. Of a timer they are in seconds.
final class HistogramSeries: Series, TimerHandler, RecorderHandler {
    /// From the round trip of two processes on one machine to the timeout of a request.
    static let bounds: [Double] = [
        0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private struct State {
        /// The last one is for what is above all bounds.
        var counts = [UInt64](repeating: 0, count: bounds.count + 1)
        var sum = 0.0
    }

    private let state = Lock(State())

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        state.withLock { state in
            state.counts[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
            state.sum += value
        }
    }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let state = state.withLock { $0 }
        let prefix = labels.isEmpty ? "" : labels + ","
        var total: UInt64 = 0
        for (index, count) in state.counts.enumerated() {
            total += count
            let bound = index < Self.bounds.count ? PrometheusText.number(Self.bounds[index]) : "+Inf"
            text += PrometheusText.line("\(name)_bucket", "\(prefix)le=\"\(bound)\"", "\(total)")
        }
        text += PrometheusText.line("\(name)_sum", labels, PrometheusText.number(state.sum))
        text += PrometheusText.line("\(name)_count", labels, "\(total)")
    }
}
