import BinaryStar

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The time of day of this machine, to be read by people and compared with other logs.
struct TimeOfDay: Sendable, Hashable {
    /// Milliseconds since 1970.
    var milliseconds: Int64

    /// The present time of day. What is told more than once keeps the one it was first told with.
    static var now: TimeOfDay { TimeOfDay(milliseconds: Int64(WallClock.milliseconds)) }

    /// In the machine's time zone: `12:03:04.567`.
    var text: String {
        var seconds = time_t(milliseconds / 1_000)
        var fields = tm()
        localtime_r(&seconds, &fields)
        return "\(padded(fields.tm_hour)):\(padded(fields.tm_min)):\(padded(fields.tm_sec))."
            + padded(Int32(milliseconds % 1_000), to: 3)
    }

    /// In the machine's time zone: `2026-11-25`.
    var date: String {
        var seconds = time_t(milliseconds / 1_000)
        var fields = tm()
        localtime_r(&seconds, &fields)
        return "\(Int(fields.tm_year) + 1_900)-\(padded(fields.tm_mon + 1))-\(padded(fields.tm_mday))"
    }

    private func padded(_ number: Int32, to width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
