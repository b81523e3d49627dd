import BinaryStarCore

// A pair with a classic server.
extension Checker {
    // MARK: Rule 1

    /// "With a classic peer, every (role, event, expired?) gives exactly the zguide reactor's outcome." Whether the peer had
    /// expired is judged by ``votes(_:_:)``.
    static func table(_ history: History, _ scenario: Scenario) -> [Violation] {
        history.decisions.compactMap { decision in
            guard !decision.isExempt else { return nil }
            // A backup that was told to may begin alone.
            if scenario.coldStart != .never, decision.from == .backup, decision.peerRole == nil { return nil }
            guard let peer = decision.peerRole else {
                if decision.isHeld, history.hasHeard(decision.seat, decision.life, before: decision.instant) {
                    return violation("a request waits in role \(decision.from)", decision)
                }
                let allowed = request(in: decision.from).contains { $0 == (decision.to, decision.isAdmitted) }
                return allowed ? nil : violation("a request in role \(decision.from)", decision)
            }
            let isOurs = scenario.pair == .classic(decision.seat.other)
            let stepsDown = isOurs && scenario.conflictPolicy == .stepDown
            let (role, isConflict) = ZguideTable.heartbeat(peer, in: decision.from)
            if isConflict, stepsDown {
                // The documented policy: an active server gives way, a passive one takes its seat again.
                let next = decision.from == .active ? Role.passive : decision.seat.initialRole
                guard decision.to != next || decision.isConflict else { return nil }
            } else if decision.to == role, decision.isConflict == isConflict {
                return nil
            }
            return violation("peer \(peer) in role \(decision.from)", decision)
        }
    }

    private static func violation(_ event: String, _ decision: History.Decision) -> Violation {
        Violation(
            rule: "rule 1", instant: decision.instant,
            text: "\(decision.seat): \(event) leads to \(decision.to), admitted \(decision.isAdmitted)")
    }

    /// The roles that a request may lead to, and whether it is served: by expiry there are two outcomes.
    private static func request(in role: Role) -> [(Role, Bool)] {
        [false, true].map { ZguideTable.request(in: role, isPeerExpired: $0) }
    }

    // MARK: Rule 5

    /// A server of ours whose classic peer can prove nothing serves nothing and says nothing after a stall, until it has
    /// been awake for so long that what it hears was said after the stall.
    static func afterStall(_ history: History, _ timeline: RoleTimeline, _ scenario: Scenario) -> [Violation] {
        guard case .classic(let seat) = scenario.pair else { return [] }
        let ours = seat.other
        let stalls = history.stalls.filter {
            $0.seat == ours && $0.until - $0.from > scenario.longestLease(of: ours) + .milliseconds(50)
        }
        let slack = (scenario.timeout(of: ours) - scenario.interval(of: ours)) / 2 / 100 * 98
        let doings =
            history.admissions.map { ($0, "serves") } + history.replies.map { ($0, "replies") }
            + history.publications.map { ($0, "says that it is active") }
        return doings.compactMap { doing, verb in
            guard doing.seat == ours, timeline.period(of: ours, at: doing.instant)?.role == .active,
                let stall = stalls.last(where: { $0.until < doing.instant && doing.instant < $0.until + slack }),
                timeline.period(of: ours, at: stall.from)?.role == .active,
                // Until it is heard it is not known to be classic.
                history.hasHeard(ours, doing.life, before: stall.from),
                !history.roleChanges.contains(where: {
                    $0.seat == ours && $0.isActivation && stall.from < $0.instant && $0.instant <= doing.instant
                })
            else { return nil }
            return Violation(rule: "rule 5", instant: doing.instant, text: "\(ours) \(verb) too soon after a stall")
        }
    }
}

/// The zguide's table, written down apart from `StateMachine`.
enum ZguideTable {
    /// The next role, and whether the request is served.
    static func request(in role: Role, isPeerExpired: Bool) -> (Role, Bool) {
        switch role {
        case .backup: (.backup, false)
        case .active: (.active, true)
        case .primary, .passive: isPeerExpired ? (.active, true) : (role, false)
        }
    }

    /// The next role, and whether the server ends on a conflict.
    static func heartbeat(_ peer: Role, in role: Role) -> (Role, Bool) {
        switch (role, peer) {
        case (.primary, .backup), (.passive, .primary), (.passive, .backup): (.active, false)
        case (.primary, .active), (.backup, .active): (.passive, false)
        case (.active, .active), (.passive, .passive): (role, true)
        default: (role, false)
        }
    }
}
