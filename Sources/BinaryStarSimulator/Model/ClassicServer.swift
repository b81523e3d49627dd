import BinaryStarCore

/// A server as the zguide has it: one role, one expiry, one table; it ends on a conflict.
///
/// Written from the zguide's table and not from `StateMachine`, so that the two are checked against each other.
///
/// Source: zguide, chapter 4, `bstar.c`.
final class ClassicServer {
    enum Answer { case serve, silence }
    struct Aborted: Error {}

    private(set) var role: Role
    private var peerExpiry: MonotonicTime
    private(set) var nextHeartbeat: MonotonicTime

    static let interval = Duration.seconds(1)
    static let timeout = Duration.seconds(2)

    init(seat: Seat, now: MonotonicTime) {
        role = seat == .primary ? .primary : .backup
        peerExpiry = now + Self.timeout
        nextHeartbeat = now
    }

    func receive(_ peer: Role, at now: MonotonicTime) throws(Aborted) {
        peerExpiry = now + Self.timeout
        if role == .primary {
            if peer == .backup { role = .active }
            if peer == .active { role = .passive }
        } else if role == .backup {
            if peer == .active { role = .passive }
        } else if role == .active {
            if peer == .active { throw Aborted() }
        } else {
            if peer == .primary || peer == .backup { role = .active }
            if peer == .passive { throw Aborted() }
        }
    }

    func request(at now: MonotonicTime) -> Answer {
        if role == .active { return .serve }
        if role == .backup { return .silence }
        guard now >= peerExpiry else { return .silence }
        role = .active
        return .serve
    }

    func heartbeatSent(at now: MonotonicTime) { nextHeartbeat = now + Self.interval }
}
