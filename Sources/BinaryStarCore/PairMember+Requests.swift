// What clients ask for: votes.
extension PairMember {
    package enum RequestAction: Sendable, Hashable {
        /// Serve the request.
        case admit
        /// This vote made the server active, or sure that it still is: tell the application, and serve the request and all
        /// that were held before it.
        case promoteAndAdmit(Transition)
        /// Keep the request until a ``Reaction`` says what becomes of it. If there is no room, refuse it.
        case hold
        /// Do not serve the request.
        case refuse
    }

    /// What requests may be served without further questions: the usual case.
    package struct Admission: Sendable, Hashable {
        /// Until when. A lease in the future implies the active role, without suspicion.
        @usableFromInline let end: MonotonicTime
        @usableFromInline let term: UInt64

        @inlinable init(end: MonotonicTime, term: UInt64) {
            self.end = end
            self.term = term
        }

        /// Nothing.
        @inlinable package static var none: Admission { Admission(end: .distantPast, term: 0) }

        /// Whether a request that arrived at `now` may be served.
        ///
        /// - Parameter clientTerm: the highest term that the client has seen; 0 if it knows no terms.
        @inlinable package func admits(at now: MonotonicTime, clientTerm: UInt64) -> Bool {
            now < end && clientTerm <= term
        }
    }

    /// Holds until the next call that changes this member: to ask it saves asking the member for each of many requests.
    @inlinable package var admission: Admission {
        isDraining ? .none : Admission(end: leaseEnd, term: term)
    }

    /// A client's request arrived, and is a vote.
    ///
    /// - Parameters:
    ///   - knowsRefusals: whether the client understands a refusal, and then goes to the other server at once. A
    ///   request of such a client waits only if the peer is overdue or its link broken.
    ///   - clientTerm: the highest term that the client has seen; 0 if it knows no terms.
    ///   - isAutomatic: whether it is the application that votes in the place of clients.
    package mutating func requestArrived(
        at now: MonotonicTime,
        knowsRefusals: Bool = false,
        clientTerm: UInt64 = 0,
        isAutomatic: Bool = false
    ) -> RequestAction {
        if admission.admits(at: now, clientTerm: clientTerm) { return .admit }
        observe(now)
        // Nothing mints what is above, or a client could keep a server suspect with it.
        let clientTerm = min(clientTerm, Term.maximumFloor)
        if clientTerm > term { takeNote(ofClientTerm: clientTerm, at: now) }
        return decide(at: now, knowsRefusals: knowsRefusals, isAutomatic: isAutomatic)
    }

    /// A client has seen a higher term: somebody was active after this server, whose own term counts for nothing until its
    /// peer has said that it is not active.
    private mutating func takeNote(ofClientTerm clientTerm: UInt64, at now: MonotonicTime) {
        foreignTerm = max(foreignTerm, clientTerm)
        if role == .active, suspicion == nil { suspect(at: now) }
    }

    /// Whether replies may go out: a server that is not sure of being active holds them.
    package mutating func mayReply(at now: MonotonicTime) -> Bool {
        if now < leaseEnd { return true }
        observe(now)
        return now < leaseEnd
    }

    private mutating func decide(at now: MonotonicTime, knowsRefusals: Bool, isAutomatic: Bool) -> RequestAction {
        if role == .active {
            if isDraining { return hold(isAutomatic) }
            if suspicion == nil { return .admit }
            // Silence for one timeout, and a vote: the peer did not take over.
            return isPeerExpired(at: now) ? promote(isAutomatic, at: now) : hold(isAutomatic)
        }
        if isHandingOver { return hold(isAutomatic) }
        if mayBePromoted(at: now) { return promote(isAutomatic, at: now) }
        return isWorthHolding(at: now, knowsRefusals: knowsRefusals) ? hold(isAutomatic) : .refuse
    }

    private mutating func hold(_ isAutomatic: Bool) -> RequestAction {
        holdsAutomaticOnly = isAutomatic && (holdsAutomaticOnly || !holdsRequests)
        holdsRequests = true
        return .hold
    }

    private mutating func promote(_ isAutomatic: Bool, at now: MonotonicTime) -> RequestAction {
        holdsRequests = false
        return .promoteAndAdmit(promotion(isAutomatic: isAutomatic, at: now))
    }

    mutating func promotion(isAutomatic: Bool, at now: MonotonicTime) -> Transition {
        let cause: Cause =
            switch (isAutomatic, isPeerDead) {
            case (false, false): .clientRequest
            case (false, true): .clientRequestAfterPeerDeath
            case (true, false): .automaticVote
            case (true, true): .automaticVoteAfterPeerDeath
            }
        return become(.active, cause, at: now)
    }

    /// Whether a vote at `now` makes this server active.
    func mayBePromoted(at now: MonotonicTime) -> Bool {
        guard !isPaused, isHealthy, !isHandingOver else { return false }
        switch StateMachine.outcome(of: .clientRequest, in: role, peerExpired: isPeerExpired(at: now)) {
        case .becomeActiveAndAdmit: return true
        case .none, .become, .admit, .refuse, .conflict: return isColdStart(at: now)
        }
    }

    /// Whether a backup has waited for its primary for as long as it was told to.
    private func isColdStart(at now: MonotonicTime) -> Bool {
        guard role == .backup, case .after(let patience) = configuration.coldStart else { return false }
        return isPeerExpired(at: now) && now >= (peer.lastHeard ?? start) + patience
    }

    /// Whether the request may yet be served here, because the peer may be gone. With a classic peer the table holds, which
    /// refuses.
    private func isWorthHolding(at now: MonotonicTime, knowsRefusals: Bool) -> Bool {
        guard role != .backup, !isPaused, isHealthy, configuration.wire == .extended, peer.kind != .classic else {
            return false
        }
        guard knowsRefusals, !isPeerLinkBroken, let lastHeard = peer.lastHeard else { return true }
        let interval = peer.timing?.interval ?? timing.interval
        return now - lastHeard > interval + interval / 4
    }
}
