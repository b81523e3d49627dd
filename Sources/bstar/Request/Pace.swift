import BinaryStarCore

/// When requests are sent.
enum Pace: Hashable, Sendable {
    /// At fixed instants, this many a second, whatever becomes of them: an open loop.
    case rate(Double)
    /// One after the other, at least this time apart.
    case every(Duration)
    /// As soon as the one before has its reply, or as many are in flight as may be: a closed loop.
    case unpaced

    /// How many requests a second it makes at most, or `nil` if the servers decide that.
    var perSecond: Double? {
        switch self {
        case .rate(let rate): rate
        case .every(let period): period > .zero ? 1 / (period / .seconds(1)) : nil
        case .unpaced: nil
        }
    }
}

/// The instants at which the requests of an open loop are due.
///
/// Each is computed from the first one, so that no rounding adds up.
struct Schedule {
    private let rate: Double
    private var base: MonotonicTime
    private var index = 0

    /// - Parameters:
    ///   - rate: requests a second, above zero.
    ///   - start: when the first one is due.
    init(rate: Double, start: MonotonicTime) {
        self.rate = rate
        base = start
    }

    /// How many are due up to an instant, from the one that was asked for last on.
    func count(dueAt now: MonotonicTime) -> Int {
        let sinceBase = Double((now - base).wholeNanoseconds)
        return max(0, Int((sinceBase * rate / 1e9).rounded(.down)) + 2 - index)
    }

    /// When the next request is due.
    ///
    /// - Parameter earliest: the instant before which there was nothing to send. From there on the schedule begins anew
    ///   if it lies ahead, so that no burst follows.
    mutating func next(notBefore earliest: MonotonicTime? = nil) -> MonotonicTime {
        let due = base + .nanoseconds(Int64(Double(index) * 1e9 / rate))
        index += 1
        guard let earliest, earliest > due else { return due }
        (base, index) = (earliest, 1)
        return earliest
    }
}
