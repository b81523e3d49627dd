// For exploration: what a member's future depends on, the same for equal situations at different instants.
extension PairMember {
    /// Tells `note` one number after the other. Two members of one configuration that tell the same react alike to all that
    /// comes, if these are alike as well, which only an onlooker can compare across servers: the incarnation, the floor of
    /// the terms, which heartbeats the peer has heard of this server and this server of its peer, and the peer's earlier
    /// lives. No cold start is assumed.
    ///
    /// Instants are told relative to `now`, and cut off where nothing depends on them any more.
    ///
    /// - Parameter limits: those of a pair both of whose servers have this member's timing.
    package func tellSituation(at now: MonotonicTime, limits: SituationLimits, to note: (Int64) -> Void) {
        func age(_ instant: MonotonicTime?, atMost limit: Int64) {
            note(instant.map { min(now.nanoseconds - $0.nanoseconds, limit) } ?? -1)
        }
        func ahead(_ instant: MonotonicTime) {
            // Of what is as far away as never, the difference would overflow.
            let clamped = max(instant.nanoseconds, now.nanoseconds - limits.longAgo)
            note(min(clamped - now.nanoseconds, limits.horizon))
        }
        func flags(_ flags: Bool...) { note(flags.reduce(1) { $0 << 1 | ($1 ? 1 : 0) }) }

        note(Int64(role.rawValue))
        note(Int64(term))
        note(Int64(foreignTerm))
        note(Int64(peer.role?.rawValue ?? 0))
        note(Int64(peer.term))
        note(Int64(peer.incarnation))
        flags(peer.kind != nil, peer.kind == .extended, peer.hasHeardUs)
        note(Int64(peer.flags.subtracting(.paused).rawValue))
        age(peer.lastHeard, atMost: limits.overdue)
        // An active server that is sure does not look at when it looked at the clock last.
        let isSure = role == .active && suspicion == nil && !holdsRequests && !isHandingOver
        let observed = isSure ? now : observedUntil
        if peerExpiry > observed { ahead(peerExpiry) } else { note(.min) }
        ahead(observed)
        ahead(max(leaseEnd, now))
        age(suspicion?.since, atMost: limits.stall)
        age(lastPublished, atMost: limits.lease)
        ahead(nextHeartbeat)
        flags(isPeerDead, isPeerLinkBroken, isDraining, isHandingOver, holdsRequests, isPaused, isHealthy, wantsAnswer)
    }

    /// What an echo of the heartbeat would be worth: its age, up to that of the oldest that prove anything, and whether it ends
    /// a suspicion.
    package func worth(ofEchoOf sequence: UInt64, at now: MonotonicTime, limits: SituationLimits) -> Int64 {
        let age = sent.time(of: sequence).map { min(now.nanoseconds - $0.nanoseconds, limits.lease) } ?? limits.lease
        return age << 1 | (suspicion.map { sequence >= $0.firstProof } ?? false ? 1 : 0)
    }
}

/// Beyond which ages and distances nothing changes any more, in nanoseconds.
package struct SituationLimits: Sendable {
    /// A deadline that was missed by so much was missed by a stall, however long that was.
    let longAgo: Int64
    let stall: Int64
    let lease: Int64
    /// After so long without a heartbeat, the peer is overdue.
    let overdue: Int64
    /// What lies further ahead than this is out of sight.
    let horizon: Int64

    /// For a pair both of whose servers have this timing.
    package init(_ timing: HeartbeatTiming, horizon: Duration) {
        let threshold = (timing.timeout - timing.interval) / 2
        stall = threshold.wholeNanoseconds
        longAgo = max(threshold, timing.interval).wholeNanoseconds + 1
        lease = (timing.interval + threshold).wholeNanoseconds
        overdue = (timing.interval * 5 / 4).wholeNanoseconds + 1
        self.horizon = horizon.wholeNanoseconds
    }
}
