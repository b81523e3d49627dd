import BinaryStarCore

/// Asks a member each question of the zguide's table, and compares what it does with a copy of the table that was written
/// down apart.
package enum TableCheck {
    private static let timing = HeartbeatTiming.classic
    private static let start = MonotonicTime(nanoseconds: 1)

    /// What is wrong; empty if all is as the zguide has it.
    package static func violations() -> [String] {
        stateMachine()
            + Seat.allCases.flatMap { seat in
                Role.allCases.flatMap { role -> [String] in
                    guard role == seat.initialRole || role == .active || role == .passive else { return [] }
                    return heartbeats(in: role, of: seat) + requests(in: role, of: seat)
                }
            }
    }

    /// The cells themselves, also those that a member decides about without them.
    private static func stateMachine() -> [String] {
        Role.allCases.flatMap { role in
            let heartbeats = Role.allCases.map { peer in
                let (next, isConflict) = ZguideTable.heartbeat(peer, in: role)
                let outcome = StateMachine.outcome(of: .peer(peer), in: role, peerExpired: false)
                return switch outcome {
                case .none: !isConflict && next == role
                case .become(let new): !isConflict && next == new && next != role
                case .conflict(let conflict): isConflict && (conflict == .dualActive) == (role == .active)
                case .admit, .becomeActiveAndAdmit, .refuse: false
                }
            }
            let requests = [false, true].map { isPeerExpired in
                let isServed = ZguideTable.request(in: role, isPeerExpired: isPeerExpired).1
                let outcome = StateMachine.outcome(of: .clientRequest, in: role, peerExpired: isPeerExpired)
                return outcome == (isServed ? role == .active ? .admit : .becomeActiveAndAdmit : .refuse)
            }
            return (heartbeats + requests).allSatisfy { $0 } ? [] : ["rule 1: the table's row of \(role) is wrong"]
        }
    }

    private static func heartbeats(in role: Role, of seat: Seat) -> [String] {
        Role.allCases.compactMap { peer in
            guard let (brought, now) = member(of: seat, in: role) else {
                return "rule 1: \(seat) does not get to be \(role)"
            }
            var member = brought
            let (next, isConflict) = ZguideTable.heartbeat(peer, in: role)
            guard case .success(let reaction) = member.receive(Heartbeat(role: peer), at: now),
                member.role == next, (reaction.conflict != nil) == isConflict
            else { return "rule 1: \(seat) in role \(role): peer \(peer) leads to \(member.role)" }
            return nil
        }
    }

    private static func requests(in role: Role, of seat: Seat) -> [String] {
        [false, true].compactMap { isPeerExpired in
            guard let (brought, now) = member(of: seat, in: role) else {
                return "rule 1: \(seat) does not get to be \(role)"
            }
            var member = brought
            var instant = now
            // To the last nanosecond before the expiry, and to the expiry, heartbeat by heartbeat.
            let expiry = now + timing.timeout
            let end = isPeerExpired ? expiry : MonotonicTime(nanoseconds: expiry.nanoseconds - 1)
            while instant < end {
                instant = min(max(member.nextDeadline, now), end)
                tick(&member, at: instant)
            }
            let (next, isServed) = ZguideTable.request(in: role, isPeerExpired: isPeerExpired)
            let wasServed =
                switch member.requestArrived(at: instant) {
                case .admit, .promoteAndAdmit: true
                case .refuse: false
                case .hold: !isServed
                }
            guard member.role == next, wasServed == isServed else {
                return
                    "rule 1: \(seat) in role \(role), peer expired \(isPeerExpired): a request leads to \(member.role), "
                    + "served \(wasServed)"
            }
            return nil
        }
    }

    /// A member that has just heard its classic peer, and has got to the role by what it heard.
    private static func member(of seat: Seat, in role: Role) -> (PairMember, MonotonicTime)? {
        var member = PairMember(
            configuration: PairMember.Configuration(seat: seat, timing: timing), incarnation: 1, termFloor: 0,
            now: start)
        var now = start
        let words: [Role] =
            switch (seat, role) {
            case (_, .passive): [.active]
            case (.primary, .active): [.backup]
            case (.backup, .active): [.active, .primary]
            // What changes nothing.
            case (.primary, _): [.passive]
            case (.backup, _): [.passive]
            }
        for word in words {
            tick(&member, at: now)
            guard case .success = member.receive(Heartbeat(role: word), at: now) else { return nil }
            tick(&member, at: now)
            now = now + .nanoseconds(1)
        }
        return member.role == role ? (member, MonotonicTime(nanoseconds: now.nanoseconds - 1)) : nil
    }

    private static func tick(_ member: inout PairMember, at now: MonotonicTime) {
        guard member.tick(at: now).mustPublish else { return }
        _ = member.makeHeartbeat(at: now)
        member.heartbeatWasSent(at: now)
    }
}
