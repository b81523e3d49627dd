package import BinaryStarCore

/// What was seen of a run from outside: all that the checkers know.
///
/// An instant is the one of the clock reading on which a server acted: a process can lose the processor between reading the
/// clock and acting, and no process can notice that.
package struct History: Sendable {
    package struct Life: Sendable {
        package var seat: Seat
        package var number: Int
        package var start: Instant
        package var end: Instant?
        package var isClassic: Bool
    }

    package struct RoleChange: Sendable {
        package var seat: Seat
        package var life: Int
        package var from: Role
        package var to: Role
        package var term: UInt64
        package var cause: String
        package var instant: Instant
        package var trigger = Trigger.heartbeat
        package var isActivation: Bool { to == .active }
    }

    /// During what a role changed. By a request, or at a tick by one that was held, it is a vote that changes it.
    package enum Trigger: Sendable {
        case heartbeat, request, tick, command
    }

    package struct Service: Sendable {
        package var seat: Seat
        package var life: Int
        package var term: UInt64
        package var instant: Instant
    }

    package struct Reception: Sendable {
        package var seat: Seat
        package var life: Int
        package var instant: Instant
        /// When the newest message of the receiver's that the sender had taken in was sent.
        package var senderHeardUpTo: Instant
        package var sentAt: Instant = 0
        package var senderLife = 1
        package var role = Role.passive
        package var isSenderUnhealthy = false
    }

    package struct Acceptance: Sendable {
        package var client: Int
        package var seat: Seat
        package var life: Int
        package var term: UInt64
        package var instant: Instant
        /// When the client asked for it first.
        package var askedAt: Instant = 0
    }

    /// Something that a server has to answer, or to tell, at once.
    package struct Call: Sendable {
        package var seat: Seat
        package var life: Int
        package var instant: Instant
        package var what: String
        package var isProbe: Bool { what == Self.probe }
        package static let probe = "a probe"
    }

    /// One event that a server with a classic peer took in, and what it made of it.
    package struct Decision: Sendable {
        package var seat: Seat
        package var life: Int
        package var instant: Instant
        package var from: Role
        package var to: Role
        /// `nil`: a client's request.
        package var peerRole: Role?
        package var isAdmitted: Bool
        package var isConflict: Bool
        /// The request waits.
        package var isHeld = false
        /// The server held back for a reason that is not the table's.
        package var isExempt: Bool
    }

    package struct Span: Sendable {
        /// `nil`: both.
        package var seat: Seat?
        package var from: Instant
        package var until: Instant
    }

    package struct Conflict: Sendable {
        package var seat: Seat
        package var instant: Instant
        package var isClassic: Bool
    }

    package var lives: [Life] = []
    package var roleChanges: [RoleChange] = []
    package var admissions: [Service] = []
    package var replies: [Service] = []
    /// Heartbeats, by the clock reading at which they were made.
    package var publications: [Service] = []
    package var receptions: [Reception] = []
    package var acceptances: [Acceptance] = []
    package var decisions: [Decision] = []
    package var conflicts: [Conflict] = []
    /// Requests that still waited for a decision when the run ended: since when.
    package var undecided: [Instant] = []
    /// When a process got no processor time.
    package var stalls: [Span] = []
    /// When the links between the servers did not work: a cut, loss, or delays above ``longestWorkingDelay``.
    package var linkFaults: [Span] = []
    package var wallClockSteps: [Instant] = []
    /// When a server had no automatic failover, and when it could not serve.
    package var pauses: [Span] = []
    package var illnesses: [Span] = []
    /// When clients could not reach a server, or heartbeats took longer than usual.
    package var disturbances: [Span] = []
    package var calls: [Call] = []
    /// The clients' requests that were not answered when the run ended: since when.
    package var unanswered: [(client: Int, askedAt: Instant)] = []
    /// What no server may do, as soon as it is seen.
    package var misdeeds: [Violation] = []
    /// The highest term that a client claimed to have seen, and had not.
    package var forgedTerm: UInt64 = 0

}

/// A rule that was broken.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    package var rule: String
    package var instant: Instant
    package var text: String

    package var description: String { "\(instant.secondsText) \(rule): \(text)" }
}
