import BinaryStarCore

// Times that follow from the rules and from the timing, written down anew.
extension Scenario {
    private func nanoseconds(_ duration: Duration) -> Instant { duration.wholeNanoseconds }

    func interval(of seat: Seat) -> Instant { nanoseconds(timing[seat.index].interval) }
    func timeout(of seat: Seat) -> Instant { nanoseconds(timing[seat.index].timeout) }

    /// Of a silent peer, by a clock that is 1 % fast: by its own timeout, and by two intervals of the peer; of a peer that has
    /// not heard it, by the peer's timeout.
    func leastSilence(of peer: Seat, wasHeard: Bool, hasHeardUs: Bool) -> Instant {
        let own = timeout(of: peer.other)
        guard wasHeard else { return own / 100 * 99 }
        let theirs = hasHeardUs || pair != .ours ? 2 * interval(of: peer) : timeout(of: peer)
        return max(own, theirs) / 100 * 99
    }

    /// What is left of the peer's expiry for a stall that goes unnoticed, and as much for the transit of a heartbeat.
    func slack(of seat: Seat) -> Instant {
        let peerWaits = max(timeout(of: seat.other), 2 * interval(of: seat))
        return (min(timeout(of: seat), peerWaits) - interval(of: seat)) / 2
    }

    /// How long a server may serve after a heartbeat, by a clock that is 1 % slow. One that has not heard its peer knows
    /// its own timing only.
    func longestLease(of seat: Seat) -> Instant {
        (interval(of: seat) + (timeout(of: seat) - interval(of: seat)) / 2) / 100 * 101
    }

    /// A link with longer delays does not count as working.
    var longestWorkingDelay: Instant { min(slack(of: .primary), slack(of: .backup)) / 10 * 8 }

    /// How long before an event the link must have worked for the rule to be in force: the time in which silence makes a peer
    /// expire, twice, and some.
    var quietTime: Instant { 3 * max(timeout(of: .primary), timeout(of: .backup)) }

    /// An interval, two transits, and what a busy server needs; stalls come on top.
    var healingTime: Instant { 4 * max(interval(of: .primary), interval(of: .backup)) }

    /// For a reader: interval and timeout of each server.
    package var timingText: String {
        timing.map { "\($0.interval) of \($0.timeout)" }.joined(separator: " and ")
    }
}
