// What an operator, or the application, asks for.
extension PairMember {
    /// Why this server cannot hand over.
    package enum StepDownRefusal: Error, Sendable, Hashable {
        case notActive
        /// This server does not know whether its peer took over.
        case suspect
        /// There is no live passive peer that would take over.
        case noPassivePeer
        case peerUnhealthy
    }

    /// Whether this server could hand over now.
    package func refusesStepDown(at now: MonotonicTime) -> StepDownRefusal? {
        guard role == .active else { return .notActive }
        guard suspicion == nil else { return .suspect }
        guard !isPeerExpired(at: now), peer.role == .passive else { return .noPassivePeer }
        guard !peer.flags.contains(.unhealthy) else { return .peerUnhealthy }
        return nil
    }

    /// Hands over: this server takes its seat again and says so, which the passive peer takes for a restart, and becomes active.
    ///
    /// That is the table's own move, so that a classic peer knows it too. If the peer expires before it is heard as
    /// active, this server turns passive, so that votes bring it back.
    package mutating func stepDown(at now: MonotonicTime) -> Result<Transition, StepDownRefusal> {
        observe(now)
        if let refusal = refusesStepDown(at: now) { return .failure(refusal) }
        isHandingOver = true
        return .success(become(seat.initialRole, .stepDown, at: now))
    }

    /// Why this server cannot be made active.
    package enum PromoteRefusal: Error, Sendable, Hashable {
        case alreadyActive
        /// The peer is alive; it must step down instead.
        case peerIsAlive(Role?)
        case unhealthy
    }

    /// Makes this server active without a vote. Only if the peer is gone.
    package mutating func promote(at now: MonotonicTime) -> Result<Reaction, PromoteRefusal> {
        observe(now)
        guard role != .active || isSuspect else { return .failure(.alreadyActive) }
        guard isPeerExpired(at: now) else { return .failure(.peerIsAlive(peer.role)) }
        guard isHealthy else { return .failure(.unhealthy) }
        let transition = become(.active, .promote, at: now)
        return .success(Reaction(transition: transition, heldRequests: settleHeldRequests(isDecided: true)))
    }
}
