package import BinaryStarCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension MonotonicTime {
    #if canImport(Darwin)
    /// On Darwin this clock runs on in sleep.
    private static let clock = CLOCK_MONOTONIC
    #else
    /// On Linux `CLOCK_MONOTONIC` stops while the machine sleeps; this one does not.
    private static let clock = CLOCK_BOOTTIME
    #endif

    /// The present instant. The clock never steps, and runs on while the machine sleeps.
    package static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(clock, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

/// The time of day. It steps, so that it decides nothing; terms start above it, so that they grow over restarts.
package enum WallClock {
    /// Milliseconds since 1970.
    package static var milliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
