import BinaryStar
import BinaryStarCore

/// All that was seen, at the end.
struct RequestSummary: Sendable {
    var statistics: RequestStatistics
    var elapsed: Duration
    var instant: MonotonicTime
    /// The time without a reply in which it ended.
    var openGap: Duration?

    init(_ statistics: RequestStatistics, at now: MonotonicTime) {
        self.statistics = statistics
        instant = now
        elapsed = now - statistics.start
        openGap = statistics.openGap(at: now)
    }

    /// Replies a second.
    var rate: Double { elapsed > .zero ? Double(statistics.replied) / (elapsed / .seconds(1)) : 0 }

    static let percentiles: [(name: StaticString, percent: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9),
    ]
}
