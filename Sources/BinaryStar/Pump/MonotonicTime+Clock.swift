package import BinaryStarCore
import CZeroMQ

extension MonotonicTime {
    /// The present instant. The clock never steps, and runs on while the machine sleeps.
    package static var now: MonotonicTime { MonotonicTime(nanoseconds: czmq_monotonic_nanoseconds()) }
}

/// The time of day. It steps, so that it decides nothing; terms start above it, so that they grow over restarts.
package enum WallClock {
    /// Milliseconds since 1970.
    package static var milliseconds: UInt64 { UInt64(max(0, czmq_wall_nanoseconds())) / 1_000_000 }
}
