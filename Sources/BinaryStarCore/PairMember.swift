/// One server of the pair, without its sockets: its role and term, its heartbeats, its lease and what it knows of the peer.
///
/// Events and the present instant go in, reactions come out; nothing here waits, reads a clock or fails on what the network
/// sent. Whoever drives it keeps this contract:
///
/// 1. Create it with the instant at which the server starts: the peer counts as alive for one timeout from then.
/// 2. Pass each heartbeat to ``receive(_:at:)`` and each client request to ``requestArrived(at:knowsRefusals:clientTerm:)``, with the
///    instant at which it is *handled*, read from the clock for each one. Pass what has arrived from the peer before
///    requests.
/// 3. Call ``tick(at:)`` no later than ``nextDeadline``, and after each call that changed it. When it says so, publish what
///    ``makeHeartbeat(at:)`` returns, at once, and then call ``heartbeatWasSent(at:)``, with the clock read anew.
/// 4. Do what a ``Reaction`` says before the next call.
/// 5. Instants never decrease from one call to the next.
///
/// Whether the server may serve is a question of role *and* lease. The lease ends before the peer can have missed this
/// server's heartbeats for as long as it takes to become active; after a stall that outlasts the lease the server is *suspect*,
/// and has to prove that its peer did not take over.
///
/// Source: zguide, chapter 4, `bstar.c`; for the lease, Gray and Cheriton, "Leases: An Efficient Fault-Tolerant Mechanism
/// for Distributed File Cache Consistency" (1989).
package struct PairMember: Sendable {
    package struct Configuration: Sendable, Hashable {
        package var seat: Seat
        package var timing: HeartbeatTiming
        package var pairName: String
        package var wire: HeartbeatWire
        package var coldStart: ColdStart
        package var conflictPolicy: ConflictPolicy

        package init(
            seat: Seat,
            timing: HeartbeatTiming = .standard,
            pairName: String = "",
            wire: HeartbeatWire = .extended,
            coldStart: ColdStart = .never,
            conflictPolicy: ConflictPolicy = .failStop
        ) {
            self.seat = seat
            self.timing = timing
            self.pairName = pairName
            self.wire = wire
            self.coldStart = coldStart
            self.conflictPolicy = conflictPolicy
        }
    }

    package let configuration: Configuration
    /// Random at the server's start, so that the peer can tell its lives apart. Not 0.
    package let incarnation: UInt64

    package internal(set) var role: Role
    /// The highest term known; the server's own while it is active.
    package internal(set) var term: UInt64 = 0
    /// Terms are minted above it. It is not told to the peer, for whom it means nothing.
    private let termFloor: UInt64
    /// The highest term that a client has seen.
    var foreignTerm: UInt64 = 0
    package internal(set) var peer = Peer()

    /// The instant from which on the silent peer counts as gone.
    package internal(set) var peerExpiry: MonotonicTime
    /// Whether ``peerExpiry`` was brought forward by proof that the peer's process is gone.
    var isPeerDead = false

    /// Whether the link dropped, and the peer was not heard since.
    var isPeerLinkBroken = false

    /// Until when an active server may serve; in the past in every other role, and while it is suspect.
    package internal(set) var leaseEnd = MonotonicTime.distantPast
    /// Set while an active server does not know whether its peer took over.
    var suspicion: Suspicion?

    struct Suspicion: Sendable, Hashable {
        var since: MonotonicTime
        /// An echo of this heartbeat, or of a later one, comes from a peer that has heard this server after the stall.
        var firstProof: UInt64
    }

    /// Whether requests wait for the end of in-flight ones, before ``stepDown(at:)``.
    package var isDraining = false
    /// Whether this server has taken its seat again to hand over, and the peer was not heard as active yet.
    package internal(set) var isHandingOver = false
    /// Whether requests wait to be decided.
    var holdsRequests = false
    /// Whether all of those that wait are the application's votes, not clients'. Only the cause of a change depends on it.
    var holdsAutomaticOnly = false

    /// No automatic failover while this is set: requests to a waiting or passive server are refused, whatever the peer does.
    package var isPaused = false
    /// A server that cannot serve does not become active.
    package var isHealthy = true

    let start: MonotonicTime
    var sent = SentHeartbeats()
    var lastPublished: MonotonicTime?
    var nextHeartbeat: MonotonicTime
    /// Whether the next heartbeat asks for an answer at once.
    var wantsAnswer = true
    /// Until when time is accounted for, see ``observe(_:)``.
    var observedUntil: MonotonicTime

    /// - Parameters:
    ///   - incarnation: a random number that is not 0.
    ///   - termFloor: terms are minted above it: the highest term of an earlier life, or the wall clock in milliseconds.
    package init(configuration: Configuration, incarnation: UInt64, termFloor: UInt64, now: MonotonicTime) {
        precondition(incarnation != 0, "0 stands for no incarnation")
        self.configuration = configuration
        self.incarnation = incarnation
        role = configuration.seat.initialRole
        self.termFloor = min(termFloor, Term.maximumFloor)
        start = now
        nextHeartbeat = now
        observedUntil = now
        peerExpiry = now + configuration.timing.timeout
    }

    package var seat: Seat { configuration.seat }
    package var timing: HeartbeatTiming { configuration.timing }

    /// Whether the peer counts as gone at `now`.
    package func isPeerExpired(at now: MonotonicTime) -> Bool { now >= peerExpiry }

    /// Whether this server is active but must prove that its peer did not take over.
    package var isSuspect: Bool { suspicion != nil }

    /// What whoever drives the member has to do.
    package struct Reaction: Sendable, Hashable {
        /// The role or the term changed: tell the application.
        package var transition: Transition?
        /// What becomes of the requests that were held.
        package var heldRequests: HeldRequests?
        /// The table has no way on: the server must end.
        package var conflict: Conflict?

        package enum HeldRequests: Sendable, Hashable {
            case serve, refuse
        }

        package init(
            transition: Transition? = nil,
            heldRequests: HeldRequests? = nil,
            conflict: Conflict? = nil
        ) {
            self.transition = transition
            self.heldRequests = heldRequests
            self.conflict = conflict
        }

        package static let none = Reaction()
    }

    // MARK: Times that follow from the configuration and from what the peer announces

    /// How long the peer must be silent to count as gone: at least two of its own intervals.
    package var expiry: Duration {
        switch peer.kind {
        case nil: return timing.timeout
        case .classic:
            // Its interval is not known, unless this server runs classic with times of its own.
            if configuration.wire == .classic { return timing.timeout }
            return max(timing.timeout, HeartbeatTiming.classic.interval * 2)
        case .extended:
            guard let theirs = peer.timing else { return timing.timeout }
            // A peer that has not heard this server goes by its own timeout, and so does its lease.
            return max(timing.timeout, peer.hasHeardUs ? theirs.interval * 2 : theirs.timeout)
        }
    }

    /// How long this server must be silent to count as gone for the peer.
    private var ownExpiry: Duration {
        min(timing.timeout, peer.timing.map { max($0.timeout, timing.interval * 2) } ?? timing.timeout)
    }

    /// How much later than asked for a turn may come without being a stall, and what is left of the peer's expiry for the
    /// transit of a heartbeat.
    var stallThreshold: Duration { (ownExpiry - timing.interval) / 2 }

    /// How long this server may serve after a heartbeat: an interval and a stall that goes unnoticed. The answer to a heartbeat
    /// proves something for as long, so that a link whose round trip takes longer is too slow for the timing.
    package var leaseDuration: Duration { timing.interval + stallThreshold }

    // MARK: Changes

    /// Takes on a role, and says so to the peer at once.
    mutating func become(_ next: Role, _ cause: Cause, at now: MonotonicTime) -> Transition {
        let before = role
        role = next
        // One that only takes a higher term goes on with what it was told.
        if before != .active || next != .active { isDraining = false }
        suspicion = nil
        if next == .active {
            term = Term.next(above: max(term, termFloor, foreignTerm), for: seat)
            // The peer, if it lives, counts this server's silence from its last heartbeat, not from the change. One that was
            // silent for longer than a lease has nothing to measure from.
            let end = (lastPublished ?? .distantPast) + leaseDuration
            leaseEnd = end > now ? end : now + leaseDuration
        } else {
            leaseEnd = .distantPast
        }
        if next == .active || next == .passive { isHandingOver = false }
        nextHeartbeat = now
        return Transition(
            from: before, to: next, term: term, cause: cause, instant: now,
            peerSilence: peer.lastHeard.map { now - $0 }, peerRole: peer.role,
            peerTerm: peer.kind == .extended ? peer.term : nil)
    }

    /// What becomes of held requests after an event: they are served by an active server that is sure of it, wait with one
    /// that may yet serve them, and are refused by another.
    ///
    /// - Parameter isDecided: whether the peer was heard, or is gone: what the requests waited for.
    mutating func settleHeldRequests(isDecided: Bool) -> Reaction.HeldRequests? {
        guard holdsRequests, !isDraining else { return nil }
        if role == .active {
            guard suspicion == nil else { return nil }
            holdsRequests = false
            return .serve
        }
        guard isDecided, !isHandingOver else { return nil }
        holdsRequests = false
        return .refuse
    }

    // MARK: Stalls

    /// Takes note of the time before anything else is done: whether this server was away for longer than it may.
    ///
    /// An active server whose lease has ended becomes suspect. While it is, and in any other role, time in which this
    /// server could not hear its peer does not count as the peer's silence; after a stall the peer counts as alive for a
    /// whole timeout.
    mutating func observe(_ now: MonotonicTime) {
        let expected = max(nextDeadline, observedUntil)
        observedUntil = now
        if role == .active, suspicion == nil {
            if now >= leaseEnd { suspect(at: now) }
            return
        }
        guard now > expected else { return }
        let lateness = now - expected
        if lateness > stallThreshold {
            isPeerDead = false
            peerExpiry = max(peerExpiry, now + expiry)
            // What waits to be heard from a classic peer was said during this stall.
            suspicion?.since = now
        } else if !isPeerDead {
            peerExpiry = peerExpiry + lateness
        }
    }

    mutating func suspect(at now: MonotonicTime) {
        suspicion = Suspicion(since: now, firstProof: sent.newest + 1)
        leaseEnd = .distantPast
        isPeerDead = false
        peerExpiry = now + expiry
        wantsAnswer = true
        nextHeartbeat = now
    }
}

/// What a server says to its peer.
public enum HeartbeatWire: String, Sendable, Hashable, Codable, CaseIterable {
    /// The role, and the extension with the term. A classic peer is recognised, and gets the role alone.
    case extended
    /// The zguide's: the role alone.
    case classic
}

/// Whether a backup that has not met its primary may become active.
public enum ColdStart: Sendable, Hashable {
    /// Never, as in the zguide.
    case never
    /// On a client's request, when the primary has been silent for this long.
    case after(Duration)
}

/// What a server does when a classic peer, which has no term, claims the same role.
public enum ConflictPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// It ends with an error, as in the zguide.
    case failStop
    /// It gives way: an active one turns passive, a passive one takes its seat again.
    case stepDown
}
