/// An instant of a clock that never steps and that runs on while the machine sleeps, in nanoseconds.
///
/// The core never reads a clock: whoever drives it passes the present instant in.
package struct MonotonicTime: Sendable, Hashable, Comparable {
    package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    @inlinable package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    // Other modules would call the standard library's own through the table of the conformance, for each request.

    @inlinable package static func <= (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds <= right.nanoseconds
    }

    @inlinable package static func > (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds > right.nanoseconds
    }

    @inlinable package static func >= (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds >= right.nanoseconds
    }

    @inlinable package static func == (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds == right.nanoseconds
    }

    /// Before every other instant.
    @inlinable package static var distantPast: MonotonicTime { MonotonicTime(nanoseconds: .min) }

    /// After every other instant.
    @inlinable package static var distantFuture: MonotonicTime { MonotonicTime(nanoseconds: .max) }

    /// The instant so many nanoseconds later, cut off at the ends of `Int64`.
    @inlinable package func advanced(by nanoseconds: Int64) -> MonotonicTime {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return MonotonicTime(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
    }

    /// Cut off at the ends of `Int64`: a time for ever is the last one.
    package static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        time.advanced(by: duration.wholeNanoseconds)
    }

    package static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
        .nanoseconds(left.nanoseconds) - .nanoseconds(right.nanoseconds)
    }
}

extension Duration {
    /// The duration in nanoseconds, cut off at the ends of `Int64` (292 years).
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}
