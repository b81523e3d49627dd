// What the passing of time brings.
extension PairMember {
    /// The instant of the next call of ``tick(at:)``. A role change sets it to the instant of the change.
    package var nextDeadline: MonotonicTime {
        // A held request is decided at the instant of expiry; so is a handover that nobody took.
        guard holdsRequests || isHandingOver, peerExpiry > observedUntil else { return nextHeartbeat }
        return min(nextHeartbeat, peerExpiry)
    }

    /// Takes note of the time, and says whether to publish what ``makeHeartbeat(at:)`` returns.
    package mutating func tick(at now: MonotonicTime) -> (mustPublish: Bool, reaction: Reaction) {
        observe(now)
        var reaction = Reaction.none
        if isPeerExpired(at: now) {
            if isHandingOver {
                // Votes bring this server back.
                reaction.transition = become(.passive, .handoverFailed, at: now)
            } else {
                reaction.transition = decideHeldRequests(at: now)
            }
            reaction.heldRequests = settleHeldRequests(isDecided: true)
        }
        return (isHeartbeatDue(at: now), reaction)
    }

    private mutating func isHeartbeatDue(at now: MonotonicTime) -> Bool {
        guard now >= nextHeartbeat else { return false }
        // From the last due instant, so that the period does not drift; from now after a stall, so that no burst of
        // late heartbeats follows.
        let next = nextHeartbeat + timing.interval
        nextHeartbeat = next > now ? next : now + timing.interval
        return !mustStaySilent
    }

    /// A classic peer that took over would end on hearing that this server is active too.
    private var mustStaySilent: Bool { isSuspect && (peer.kind == .classic || configuration.wire == .classic) }

    /// The heartbeat to publish now. It renews the lease when ``heartbeatWasSent(at:)`` tells that it has gone out.
    package mutating func makeHeartbeat(at now: MonotonicTime) -> Heartbeat {
        let sequence = sent.record(at: now)
        lastPublished = now
        // A classic peer gets the extension now and then: if it is in truth one of ours, which took this server for a classic
        // one, both find out. The zguide's reactors ignore it; for its `bstarsrv.py`, which does not, there is the classic wire.
        let isForExtendedPeer = peer.kind != .classic || sequence % Self.heartbeatsPerOffer == 0
        guard configuration.wire == .extended, isForExtendedPeer else { return Heartbeat(role: role) }
        var flags: HeartbeatExtension.Flags = []
        if wantsAnswer || isSuspect { flags.insert(.probe) }
        if isDraining { flags.insert(.draining) }
        if !isHealthy { flags.insert(.unhealthy) }
        if isPaused { flags.insert(.paused) }
        wantsAnswer = false
        var echo: HeartbeatExtension.Echo?
        if peer.kind == .extended, let lastHeard = peer.lastHeard {
            echo = .init(incarnation: peer.incarnation, sequence: peer.sequence, age: now - lastHeard)
        }
        return Heartbeat(
            role: role,
            extension: HeartbeatExtension(
                pairName: configuration.pairName, seat: seat, incarnation: incarnation, sequence: sequence, term: term,
                timing: timing, echo: echo, flags: flags))
    }

    /// The heartbeat that ``makeHeartbeat(at:)`` returned has gone out. Renews the lease, from when it was made.
    ///
    /// Only if the lease has not ended in between: a server that lost the processor before it could send may have been silent
    /// for so long that its peer has taken over.
    package mutating func heartbeatWasSent(at now: MonotonicTime) {
        guard now < leaseEnd, let lastPublished else { return }
        leaseEnd = lastPublished + leaseDuration
    }

    /// The link to the peer dropped: it may be gone. Requests wait until it is heard again, or known to be gone.
    package mutating func peerLinkBroke(at now: MonotonicTime) {
        observe(now)
        isPeerLinkBroken = true
    }

    private static let heartbeatsPerOffer: UInt64 = 8

    /// The link to the peer dropped, and its port refuses connections: the process is gone.
    ///
    /// - Parameter asked: when the port was asked; `nil` for just now.
    package mutating func peerDied(at now: MonotonicTime, askedAt asked: MonotonicTime? = nil) -> Reaction {
        observe(now)
        // This server may have stalled since, and the peer's next life may be about to become active.
        if let asked, now - asked > timing.interval { return .none }
        guard !isPeerExpired(at: now), peer.lastHeard != nil else { return .none }
        isPeerDead = true
        peerExpiry = now
        let transition = decideHeldRequests(at: now)
        return Reaction(transition: transition, heldRequests: settleHeldRequests(isDecided: true))
    }

    /// The peer is gone: a request that was held is the vote.
    private mutating func decideHeldRequests(at now: MonotonicTime) -> Transition? {
        guard holdsRequests, isSuspect || mayBePromoted(at: now) else { return nil }
        return promotion(isAutomatic: holdsAutomaticOnly, at: now)
    }
}
