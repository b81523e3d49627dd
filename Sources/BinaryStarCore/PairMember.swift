/// One server of the pair, without its sockets: the state machine, its heartbeat schedule and the peer's expiry.
///
/// Events and the present instant go in, actions come out; nothing here waits, reads a clock or fails on what the network
/// sent. Whoever drives it keeps this contract:
///
/// 1. Create it with the instant at which the server starts: the peer counts as alive for one timeout from then.
/// 2. Pass each valid heartbeat to ``receive(_:at:)`` and each client request to ``requestArrived(at:)``, with the instant
///    at which it is *handled*, and do what is returned before the next call.
/// 3. Call ``tick(at:)`` no later than ``nextDeadline``, and publish the role when it says so.
/// 4. Instants never decrease from one call to the next.
///
/// Source: zguide, chapter 4, `bstar.c`.
package struct PairMember: Sendable {
    package let seat: Seat
    package let timing: HeartbeatTiming
    private var machine: StateMachine
    private var nextHeartbeat: MonotonicTime
    private var nextRelink: MonotonicTime

    /// The instant from which on the silent peer counts as gone.
    package private(set) var peerExpiry: MonotonicTime

    /// When the last valid heartbeat was handled, or `nil` before the first one.
    package private(set) var lastHeard: MonotonicTime?

    package init(seat: Seat, timing: HeartbeatTiming, now: MonotonicTime) {
        self.seat = seat
        self.timing = timing
        machine = StateMachine(role: seat.initialRole)
        nextHeartbeat = now
        peerExpiry = now + timing.timeout
        nextRelink = peerExpiry
    }

    package var role: Role { machine.role }

    /// Whether the peer counts as gone at `now`.
    package func isPeerExpired(at now: MonotonicTime) -> Bool { now >= peerExpiry }

    // MARK: Heartbeats from the peer

    package enum HeartbeatAction: Sendable, Hashable {
        case none
        /// Publish the new role at once, and tell the application.
        case roleChanged(from: Role, to: Role)
        /// The table has no way on.
        case conflict(Conflict)
    }

    /// A valid heartbeat arrived: it renews the expiry, and then takes effect.
    package mutating func receive(_ heartbeat: Heartbeat, at now: MonotonicTime) -> HeartbeatAction {
        lastHeard = now
        peerExpiry = now + timing.timeout
        nextRelink = peerExpiry
        let before = role
        switch machine.apply(.peer(heartbeat.role), peerExpired: false) {
        case .none: return .none
        case .become(let role):
            nextHeartbeat = now
            return .roleChanged(from: before, to: role)
        case .conflict(let conflict): return .conflict(conflict)
        case .admit, .becomeActiveAndAdmit, .refuse:
            preconditionFailure("a heartbeat decides about no request")
        }
    }

    // MARK: Votes

    package enum RequestAction: Sendable, Hashable {
        /// Serve the request.
        case admit
        /// This vote made the server active: publish that at once, tell the application, and serve the request.
        case promoteAndAdmit(from: Role)
        /// Do not serve the request.
        case refuse
    }

    /// A client's request arrived, and is a vote.
    package mutating func requestArrived(at now: MonotonicTime) -> RequestAction {
        let before = role
        switch machine.apply(.clientRequest, peerExpired: isPeerExpired(at: now)) {
        case .admit: return .admit
        case .becomeActiveAndAdmit:
            nextHeartbeat = now
            return .promoteAndAdmit(from: before)
        case .refuse: return .refuse
        case .none, .become, .conflict:
            preconditionFailure("a request is admitted or refused")
        }
    }

    // MARK: Time

    /// What is due.
    package struct Due: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Publish the role to the peer.
        package static let heartbeat = Due(rawValue: 1 << 0)
        /// Nothing valid came from the peer for a timeout: make the connection to it anew. libzmq does not reconnect
        /// by itself after a protocol error, so that a link can be up and deaf.
        package static let relink = Due(rawValue: 1 << 1)
    }

    /// The instant of the next call of ``tick(at:)``. A role change sets it to the instant of the change.
    package var nextDeadline: MonotonicTime { min(nextHeartbeat, nextRelink) }

    /// Takes note of the time, and says what is due.
    package mutating func tick(at now: MonotonicTime) -> Due {
        var due: Due = []
        if now >= nextHeartbeat {
            due.insert(.heartbeat)
            // From the last due instant, so that the period does not drift; from now after a stall, so that no burst of
            // late heartbeats follows.
            let next = nextHeartbeat + timing.interval
            nextHeartbeat = next > now ? next : now + timing.interval
        }
        if now >= nextRelink {
            due.insert(.relink)
            nextRelink = now + max(timing.timeout, Self.shortestRelinkPeriod)
        }
        return due
    }

    private static let shortestRelinkPeriod = Duration.seconds(1)
}
