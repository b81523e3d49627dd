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
        package var isActivation: Bool { to == .active }
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
    }

    package struct Acceptance: Sendable {
        package var client: Int
        package var seat: Seat
        package var life: Int
        package var term: UInt64
        package var instant: Instant
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

    /// A link with longer delays does not count as working. Stall, interval and transit must stay below the peer's expiry:
    /// with the standard timing 375 ms are left for the transit, and the clocks' drift takes some.
    package static let longestWorkingDelay = Instant.milliseconds(300)
}

/// A rule that was broken.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    package var rule: String
    package var instant: Instant
    package var text: String

    package var description: String { "\(instant.secondsText) \(rule): \(text)" }
}
