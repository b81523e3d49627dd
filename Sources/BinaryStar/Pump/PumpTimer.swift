import BinaryStarCore

/// An alarm of a pump's tenant: one instant, kept by the pump's own poll timeout. Used on the pump's thread only.
final class PumpTimer {
    /// When to call, or `nil` for never. The handler sets the next one.
    var deadline: MonotonicTime? {
        didSet { if deadline != oldValue { earliest?.note(deadline, insteadOf: oldValue) } }
    }
    /// That of the pump that has this timer.
    var earliest: EarliestDeadline?
    let handler: (MonotonicTime) -> Void

    init(handler: @escaping (MonotonicTime) -> Void) {
        self.handler = handler
    }
}

/// The earliest deadline of a pump's timers: a turn asks for it several times, and goes over all of them only if it may have
/// changed to a later one.
final class EarliestDeadline {
    /// In the distant future if there is none; `nil` if it has to be looked for.
    private(set) var known: MonotonicTime? = .distantFuture

    /// A timer has another deadline than before.
    func note(_ deadline: MonotonicTime?, insteadOf former: MonotonicTime?) {
        guard let known else { return }
        let deadline = deadline ?? .distantFuture
        if deadline <= known { self.known = deadline } else if former == known { self.known = nil }
    }

    /// There is none, until the next one is noted.
    func forget() { known = .distantFuture }

    /// The earliest of these, which are all that there are.
    func look(at timers: [PumpTimer]) -> MonotonicTime {
        if let known { return known }
        // A plain loop: in debug builds each generic call costs a lock of Swift's runtime that all threads share.
        var earliest = MonotonicTime.distantFuture
        for timer in timers {
            if let deadline = timer.deadline, deadline < earliest { earliest = deadline }
        }
        known = earliest
        return earliest
    }
}
