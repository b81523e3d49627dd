package import BinaryStarCore

/// Something that goes wrong, or that an operator does.
package enum Fault: Sendable, Hashable {
    /// The process gets no processor time for so long.
    case stall(Seat, Instant)
    /// The same, from the next time on that it comes to this step of its work.
    case stallAtStep(Seat, Step, Instant)
    /// The process dies and is started again.
    case crash(Seat, downFor: Instant, losesInFlight: Bool)
    case stepWallClock(Seat, by: Instant)
    /// Nothing gets from this server to the other. What was sent is lost, or arrives when the cut ends.
    case cutPeerLink(from: Seat, for: Instant, buffers: Bool)
    case cutClients(of: Seat, for: Instant)
    case loseHeartbeats(permille: Int64, for: Instant)
    case duplicateHeartbeats(permille: Int64, for: Instant)
    case slowPeerLink(maximum: Instant, for: Instant)
    case stepDown(Seat)
    case promote(Seat)
    case pause(Seat, for: Instant)
    case unhealthy(Seat, for: Instant)
    /// Somebody who is not the peer publishes to this server.
    case strayHeartbeat(to: Seat, Stray)
    /// Somebody subscribes to this server's heartbeats again and again.
    case subscribeOften(to: Seat)
    /// A client says that it has seen this term.
    case forgedTerm(to: Seat, UInt64)

    /// Whose heartbeat it is that is not the peer's.
    package enum Stray: String, Sendable, Hashable, CaseIterable {
        case ofAnotherPair
        /// The server is connected to itself.
        case ofItself
        /// Both servers are configured as the same.
        case ofTheSameSeat
        /// A digit, as of a classic server, while the peer is alive and none.
        case withoutExtension
    }

    /// A point of a server's work at which it may lose the processor.
    package enum Step: String, Sendable, Hashable, CaseIterable {
        /// The clock was read, and the heartbeat is not handled yet.
        case beforeReceive
        /// A heartbeat was handled and changed the role.
        case afterRoleChange
        /// The clock was read, and the request is not decided yet.
        case beforeAdmission
        /// A request made the server active, and nothing was published yet.
        case afterPromotion
        /// A request was admitted, and the next one waits.
        case afterAdmission
        /// A heartbeat was made, and is not sent yet.
        case beforePublish
        /// The clock was read, and the reply is not sent yet.
        case beforeReply
        /// Heartbeats are drained, and the timers are not looked at yet.
        case beforeTick
        /// The peer's port refused connections, and the server does not know yet.
        case beforeProofOfDeath
    }

    /// The same for half as long; `nil` if that is too short to matter, or it has no length.
    package var halved: Fault? {
        func half(_ length: Instant) -> Instant? { length < .milliseconds(2) ? nil : length / 2 }
        return switch self {
        case .stall(let seat, let length): half(length).map { .stall(seat, $0) }
        case .stallAtStep(let seat, let step, let length): half(length).map { .stallAtStep(seat, step, $0) }
        case .crash(let seat, let length, let losesInFlight):
            half(length).map { .crash(seat, downFor: $0, losesInFlight: losesInFlight) }
        case .cutPeerLink(let seat, let length, let buffers):
            half(length).map { .cutPeerLink(from: seat, for: $0, buffers: buffers) }
        case .cutClients(let seat, let length): half(length).map { .cutClients(of: seat, for: $0) }
        case .loseHeartbeats(let permille, let length):
            half(length).map { .loseHeartbeats(permille: permille, for: $0) }
        case .duplicateHeartbeats(let permille, let length):
            half(length).map { .duplicateHeartbeats(permille: permille, for: $0) }
        case .slowPeerLink(let maximum, let length): half(length).map { .slowPeerLink(maximum: maximum, for: $0) }
        case .pause(let seat, let length): half(length).map { .pause(seat, for: $0) }
        case .unhealthy(let seat, let length): half(length).map { .unhealthy(seat, for: $0) }
        case .stepWallClock, .stepDown, .promote, .strayHeartbeat, .subscribeOften,
            .forgedTerm:
            nil
        }
    }

    /// The name under which it is counted.
    package var kind: String {
        switch self {
        case .stall: "stall"
        case .stallAtStep: "stall at a step"
        case .crash: "crash"
        case .stepWallClock: "wall clock step"
        case .cutPeerLink: "cut between servers"
        case .cutClients: "cut of clients"
        case .loseHeartbeats: "lossy link"
        case .duplicateHeartbeats: "duplicating link"
        case .slowPeerLink: "slow link"
        case .stepDown: "step down"
        case .promote: "promote"
        case .pause: "pause"
        case .unhealthy: "unhealthy"
        case .strayHeartbeat: "stray heartbeat"
        case .subscribeOften: "many subscriptions"
        case .forgedTerm: "forged term"
        }
    }
}

/// A fault and when it begins.
package struct TimedFault: Sendable, Hashable, CustomStringConvertible {
    package var instant: Instant
    package var fault: Fault

    package var description: String { "\(instant.secondsText) \(fault)" }
}

extension Seat {
    package var index: Int { self == .primary ? 0 : 1 }
}
