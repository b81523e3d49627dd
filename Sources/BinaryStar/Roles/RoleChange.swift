import BinaryStarCore

/// A change of role or of term: what ``BinaryStar/events`` tells. It answers the question "why did it fail over?".
public struct RoleChange: Sendable, Hashable {
    /// The role before.
    public var from: Role
    /// The role after. The same as before if an active server had to take a new term.
    public var to: Role
    /// The highest term known after the change; the server's own if it is active. Grows with every activation.
    public var term: UInt64
    /// Why.
    public var cause: Cause
    /// When the change took place.
    public var instant: ContinuousClock.Instant
    /// The time of day in milliseconds since 1970, for people. It may step.
    public var time: UInt64
    /// How long the peer had been silent by then, or `nil` if it was never heard.
    public var peerSilence: Duration?
    /// The role that the peer had named last, or `nil` if it was never heard.
    public var peerRole: Role?
    /// The highest term that the peer knew, or `nil` if it was never heard or has no terms.
    public var peerTerm: UInt64?

    init(_ transition: Transition, at instant: ContinuousClock.Instant, time: UInt64 = WallClock.milliseconds) {
        from = transition.from
        to = transition.to
        term = transition.term
        cause = transition.cause
        self.instant = instant
        self.time = time
        peerSilence = transition.peerSilence
        peerRole = transition.peerRole
        peerTerm = transition.peerTerm
    }
}

extension RoleChange: CustomStringConvertible {
    public var description: String { "\(from) → \(to) (\(cause)), term \(term)" }
}
