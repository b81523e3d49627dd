import BinaryStar
import BinaryStarCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The time of day of this machine, to be read by people and compared with other logs.
struct TimeOfDay {
    /// Milliseconds since 1970.
    var milliseconds: Int64

    private static var now: TimeOfDay {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return TimeOfDay(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The time of day that it was at an instant, unless the clock was set since.
    init(of instant: MonotonicTime) {
        milliseconds = Self.now.milliseconds - (MonotonicTime.now - instant).wholeNanoseconds / 1_000_000
    }

    private init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// In the machine's time zone: `12:03:04.567`.
    var text: String {
        var seconds = time_t(milliseconds / 1_000)
        var fields = tm()
        localtime_r(&seconds, &fields)
        return "\(padded(fields.tm_hour)):\(padded(fields.tm_min)):\(padded(fields.tm_sec))."
            + padded(Int32(milliseconds % 1_000), to: 3)
    }

    private func padded(_ number: Int32, to width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
