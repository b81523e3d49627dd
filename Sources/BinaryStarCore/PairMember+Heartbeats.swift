// What the peer says.
extension PairMember {
    /// A heartbeat arrived. One that counts renews the peer's expiry, and then takes effect; one that does not changes nothing.
    package mutating func receive(
        _ heartbeat: Heartbeat,
        at now: MonotonicTime
    ) -> Result<Reaction, HeartbeatRejection> {
        // A star with the classic wire takes every peer for a classic one.
        let heartbeat = configuration.wire == .classic ? Heartbeat(role: heartbeat.role) : heartbeat
        observe(now)
        if let news = heartbeat.extension {
            if let rejection = rejection(of: news) { return .failure(rejection) }
            if peer.isDuplicate(news) { return .success(.none) }
            if peer.isStale(news) { return .failure(.stale) }
        } else if configuration.wire == .extended, peer.kind == .extended, !isPeerExpired(at: now) {
            // Or one stray digit would make classic servers of both, for each answers in kind.
            return .failure(.extensionMissing)
        }
        let silence = peer.lastHeard.map { now - $0 }
        let isNewLife = heartbeat.extension.map { $0.incarnation != peer.incarnation } ?? false
        peer.update(heartbeat, at: now)
        peer.hasHeardUs = heartbeat.extension?.echo?.incarnation == incarnation
        isPeerDead = false
        isPeerLinkBroken = false
        peerExpiry = now + expiry
        let echo = takeNote(of: heartbeat.extension?.echo, at: now)
        // A peer that has just started needs our echo before it believes us; one that asks gets its answer.
        if isNewLife || peer.flags.contains(.probe) { answer(at: now) }

        // Before the role, so that what this server mints on becoming active is above it.
        if role != .active { term = max(term, peer.term) }
        var reaction = react(to: heartbeat.role, isFresh: peer.kind == .classic || echo.isFresh, at: now)
        if reaction.conflict == nil, role == .active, heartbeat.role != .active {
            let wasSuspect = suspicion != nil
            resolveSuspicion(byEchoOf: echo.sequence, at: now)
            let isBelow = max(peer.term, foreignTerm) > term
            if suspicion == nil, wasSuspect || isBelow, reaction.transition == nil {
                // Somebody was active in a higher term, and no client that has seen it would take our replies. Or may have been:
                // what a peer served that has died since, or gave way, lies between our service before the stall and the one
                // from now on.
                term = max(term, peer.term)
                reaction.transition = become(.active, isBelow ? .higherTerm : .peer(heartbeat.role), at: now)
            }
        }
        reaction.transition?.peerSilence = silence
        reaction.heldRequests = settleHeldRequests(isDecided: true)
        return .success(reaction)
    }

    /// Somebody began to listen to this server's heartbeats, and is told the role at once: a peer that has just started, or whose
    /// connection is new, does not have to wait for the next beat.
    package mutating func wasSubscribedTo(at now: MonotonicTime) {
        observe(now)
        answer(at: now)
    }

    private func rejection(of news: HeartbeatExtension) -> HeartbeatRejection? {
        if news.incarnation == incarnation { return .ownHeartbeat }
        if news.pairName != configuration.pairName { return .otherPair }
        if news.seat == seat { return .sameSeat }
        return nil
    }

    /// - Returns: the number of our heartbeat that the peer has heard, 0 for none of this life; and whether it is so young that
    ///   the peer, having heard it, cannot have become active before it hears from us again.
    private mutating func takeNote(
        of echo: HeartbeatExtension.Echo?,
        at now: MonotonicTime
    ) -> (sequence: UInt64, isFresh: Bool) {
        guard let echo, echo.incarnation == incarnation, let sentAt = sent.time(of: echo.sequence) else {
            return (0, false)
        }
        peer.roundTrip = max(.zero, now - sentAt - echo.age)
        return (echo.sequence, now - sentAt < leaseDuration)
    }

    /// Applies the table, with what an extended peer makes possible beyond it: to become active on the peer's word takes a
    /// fresh word, and conflicts are resolved.
    private mutating func react(to peerRole: Role, isFresh: Bool, at now: MonotonicTime) -> Reaction {
        switch StateMachine.outcome(of: .peer(peerRole), in: role, peerExpired: false) {
        case .none:
            guard role != .active, peerRole == .passive, isPeerUnhealthy, isHealthy else { return .none }
            // It will not take over from a waiting server. From a passive one it takes its seat again, which frees ours.
            return Reaction(transition: become(.passive, .peer(peerRole), at: now))
        case .become(.active):
            guard isHealthy else { return yieldToHealthyPeer(saying: peerRole, at: now) }
            guard isFresh else {
                ask(at: now)
                return .none
            }
            return Reaction(transition: become(.active, .peer(peerRole), at: now))
        case .become(let next): return Reaction(transition: become(next, .peer(peerRole), at: now))
        case .conflict(let conflict): return resolve(conflict, isFresh: isFresh, at: now)
        case .admit, .becomeActiveAndAdmit, .refuse: preconditionFailure("a heartbeat decides about no request")
        }
    }

    /// A server that waits in its seat and cannot serve would keep a backup waiting that can. It turns passive: by way of two
    /// passive servers, of which the one that cannot serve takes its seat again, the other one becomes active.
    private mutating func yieldToHealthyPeer(saying peerRole: Role, at now: MonotonicTime) -> Reaction {
        guard role == seat.initialRole, !isHandingOver, peer.kind == .extended, !isPeerUnhealthy else { return .none }
        return Reaction(transition: become(.passive, .peer(peerRole), at: now))
    }

    private mutating func resolve(_ conflict: Conflict, isFresh: Bool, at now: MonotonicTime) -> Reaction {
        if peer.kind == .classic, configuration.conflictPolicy == .failStop { return Reaction(conflict: conflict) }
        switch conflict {
        case .dualActive:
            guard peer.kind == .classic || peer.term > term else {
                // The peer gives way as soon as it hears our term.
                answer(at: now)
                return .none
            }
            term = max(term, peer.term)
            return Reaction(transition: become(.passive, .superseded, at: now))
        case .dualPassive:
            // A peer that cannot serve has to move first: it would ignore that this server waits.
            if isHealthy, isPeerUnhealthy { return .none }
            guard isFresh else {
                ask(at: now)
                return .none
            }
            return Reaction(transition: become(seat.initialRole, .dualPassive, at: now))
        }
    }

    /// Always false of a classic peer.
    private var isPeerUnhealthy: Bool { peer.flags.contains(.unhealthy) }

    /// Ends the suspicion if the peer, which is not active, has heard this server after its stall. A classic peer cannot prove
    /// that; its word counts if it comes so late that it was said after the stall. That is a lease, the longest gap between
    /// two calls that goes unnoticed as a stall.
    private mutating func resolveSuspicion(byEchoOf sequence: UInt64, at now: MonotonicTime) {
        guard let suspicion else { return }
        switch peer.kind {
        case .extended:
            // What was heard too late, after a second stall say, proves nothing about now.
            guard sequence >= suspicion.firstProof, let sentAt = sent.time(of: sequence), now < sentAt + leaseDuration
            else { return }
            leaseEnd = sentAt + leaseDuration
        case .classic, nil:
            guard now >= suspicion.since + leaseDuration else { return }
            leaseEnd = now + leaseDuration
        }
        self.suspicion = nil
        nextHeartbeat = now
    }

    /// Publishes at once, and wants to be answered at once.
    private mutating func ask(at now: MonotonicTime) {
        wantsAnswer = true
        answer(at: now)
    }

    /// Publishes at once; but not more often than a few times an interval, whatever the peer asks for.
    package mutating func answer(at now: MonotonicTime) {
        let earliest = lastPublished.map { $0 + timing.interval / Self.answersPerInterval } ?? now
        nextHeartbeat = min(nextHeartbeat, max(now, earliest))
    }

    private static let answersPerInterval = 64
}
