import BinaryStarCore

/// What is explored. A tick is the unit of virtual time, and a nanosecond for the core.
package struct Bounds: Sendable {
    /// How many faults, of whatever kind, one course of events may have: a stall, a crash, a lost heartbeat, a duplicated
    /// one, an operator's command.
    package var faults = 1
    package var clients = 2
    /// How far virtual time goes. `nil`: until nothing new comes any more.
    package var ticks: Int?
    /// How many situations may be looked at.
    package var states = Int.max
    /// After how long to end.
    package var seconds = Double.infinity
    package var workers = 2
    /// From how many ticks after it was sent a heartbeat is passed to the member before timers and requests. With 1, always, as the
    /// contract of `PairMember` asks; with more, in any order with them until then. To leave it for a later tick is a stall, and so a
    /// fault. What the timing leaves for it is half of what the timeout is longer than the interval. `nil`: in any order, however
    /// late, which can be for as long as two stalls, so that it is for one fault and a timeout of three intervals.
    package var transit: Int?
    /// What is broken on purpose, so that the checks are seen to find it.
    package var flaw = Flaw.none

    package init() {}

    /// What a driver of the core, or a machine, can do wrong.
    package enum Flaw: Sendable, Hashable {
        case none
        /// Serves by the role alone, as the zguide's server does.
        case servesByRole
        /// The clock stands still while the process does not run.
        case clockStopsInStalls
    }

    // MARK: Time, in ticks

    package var interval = 2
    package var timeout = 6
    /// How long a server may serve after a heartbeat, written down anew.
    var lease: Int { interval + (timeout - interval) / 2 }

    var timing: HeartbeatTiming {
        HeartbeatTiming(interval: .nanoseconds(interval), timeout: .nanoseconds(timeout))
    }

    /// Far away is what comes in a second: the member is connected anew, which is no part of this world.
    var limits: SituationLimits { SituationLimits(timing, horizon: .nanoseconds(1_000)) }

    /// How many heartbeats may be on their way in one direction.
    package static let inFlight = 3
}
