/// An instant, or a span, of the simulated world's real time in nanoseconds. No process can read it.
package typealias Instant = Int64

extension Instant {
    package static func microseconds(_ count: Int64) -> Instant { count * 1_000 }
    package static func milliseconds(_ count: Int64) -> Instant { count * 1_000_000 }
    package static func seconds(_ count: Int64) -> Instant { count * 1_000_000_000 }

    /// In seconds with six digits behind the point, so that columns line up.
    package var secondsText: String {
        let microseconds = self / 1_000
        let fraction = String(microseconds % 1_000_000)
        let whole = String(microseconds / 1_000_000)
        return String(repeating: " ", count: Swift.max(0, 4 - whole.count)) + whole + "."
            + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
