import BinaryStarCore

/// The clocks of one machine: a monotonic one with an offset and a drift, and a wall clock that may be stepped.
struct ProcessClock {
    var offset: Instant
    /// How much faster than real time it runs.
    var driftPartsPerMillion: Int64
    var wallOffset: Instant

    func monotonic(at real: Instant) -> MonotonicTime {
        MonotonicTime(nanoseconds: offset + real + real / 1_000 * driftPartsPerMillion / 1_000)
    }

    /// The first real instant at which the monotonic clock shows `time`.
    func real(of time: MonotonicTime) -> Instant {
        let local = time.nanoseconds - offset
        var real = Instant(Double(local) * 1e6 / Double(1_000_000 + driftPartsPerMillion)) - 2_000
        while monotonic(at: real) < time { real += 500 }
        return real
    }

    /// Since 1970, as it would be read.
    func wallMilliseconds(at real: Instant) -> UInt64 {
        UInt64(max(1, 1_700_000_000_000 + (real + wallOffset) / 1_000_000))
    }
}

/// A reading of a clock: what a process does with it may come later, if it stalls in between.
struct Reading {
    var local: MonotonicTime
    var real: Instant
}
