import BinaryStarCore
import Histogram

/// How often each duration came, to three significant digits (HdrHistogram), in memory that does not grow with their number.
struct LatencyHistogram {
    private var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)

    /// Takes note of a duration. One below zero counts as zero.
    mutating func record(_ duration: Duration) {
        histogram.record(UInt64(Swift.max(0, duration.wholeNanoseconds)))
    }

    mutating func reset() { histogram.reset() }

    var count: Int { Int(clamping: histogram.totalCount) }

    /// The duration that this part of all, in percent, do not exceed; `nil` without any.
    func percentile(_ percent: Double) -> Duration? {
        count > 0 ? nanoseconds(histogram.valueAtPercentile(percent)) : nil
    }

    var min: Duration? { count > 0 ? nanoseconds(histogram.min) : nil }
    var max: Duration? { count > 0 ? nanoseconds(histogram.maxRecorded) : nil }
    var mean: Duration? { count > 0 ? .seconds(histogram.mean / 1e9) : nil }

    private func nanoseconds(_ value: UInt64) -> Duration { .nanoseconds(Int64(clamping: value)) }
}
