import BinaryStarCore

// What a vote, an operator and the application may do.
extension Checker {
    /// A vote makes a server active only if its peer was silent for the timeout, or is dead; not while it is paused; and a
    /// backup that never met its peer only as it was told to. A server that cannot serve does not become active.
    static func votes(_ history: History, _ scenario: Scenario) -> [Violation] {
        history.roleChanges.compactMap { change in
            guard change.isActivation, let life = history.life(change.seat, change.life) else { return nil }
            func violation(_ rule: String, _ text: String) -> Violation {
                Violation(rule: rule, instant: change.instant, text: "\(change.seat) becomes active \(text)")
            }
            if change.from != .active, history.illnesses.cover(change.instant, change.seat) {
                return violation("health", "(\(change.cause)), and cannot serve")
            }
            guard change.trigger != .heartbeat else { return nil }
            let isVote = change.trigger != .command
            if isVote, change.from != .active, history.pauses.cover(change.instant, change.seat) {
                return violation("pause", "while it is paused")
            }
            let heard = history.lastHeard(change.seat, change.life, before: change.instant)
            var silentSince = heard?.instant ?? life.start
            if isVote, change.from == .backup {
                guard case .after(let patience) = scenario.coldStart else {
                    return violation("cold start", "by a vote, and has not met its peer")
                }
                guard change.instant - silentSince >= patience.wholeNanoseconds / 100 * 99 else {
                    return violation("cold start", "before it has waited for its primary")
                }
            }
            let isDead = isProvenDead(heard, change, history, scenario)
            if change.cause == "\(Cause.clientRequestAfterPeerDeath)", !isDead {
                return violation("failover", "by the death of a peer that lives")
            }
            if isDead, change.cause != "\(Cause.clientRequest)" { return nil }
            if !life.isClassic {
                // "A stalled passive counts its peer as alive for a whole timeout from now."
                let stall = history.stalls.last {
                    $0.seat == change.seat && life.start <= $0.from && $0.until <= change.instant
                        && $0.until - $0.from > scenario.longestLease(of: change.seat) + .milliseconds(50)
                }
                silentSince = max(silentSince, stall?.until ?? 0)
            }
            let least = scenario.leastSilence(
                of: change.seat.other, wasHeard: heard != nil,
                hasHeardUs: heard.map { $0.senderHeardUpTo >= life.start } ?? false)
            guard change.instant - silentSince < least else { return nil }
            return violation(
                "failover", "(\(change.cause)) after \((change.instant - silentSince).secondsText) s of silence")
        }
    }

    /// The process that was heard last is gone, and the server may know it.
    private static func isProvenDead(
        _ heard: History.Reception?, _ change: History.RoleChange, _ history: History, _ scenario: Scenario
    ) -> Bool {
        guard scenario.provesDeath, let heard, let end = history.life(change.seat.other, heard.senderLife)?.end
        else { return false }
        return end <= change.instant
    }

    /// A handover goes to a peer that is alive, passive and can serve, as far as it was heard.
    static func handovers(_ history: History, _ scenario: Scenario) -> [Violation] {
        history.roleChanges.compactMap { change in
            guard change.cause == "\(Cause.stepDown)" else { return nil }
            func violation(_ text: String) -> Violation {
                Violation(
                    rule: "handover", instant: change.instant, text: "\(change.seat) hands over to a peer that \(text)")
            }
            guard let heard = history.lastHeard(change.seat, change.life, before: change.instant) else {
                return violation("was never heard")
            }
            if heard.role != .passive { return violation("is \(heard.role)") }
            if heard.isSenderUnhealthy { return violation("cannot serve") }
            let silence = change.instant - heard.instant
            let longest = 3 * scenario.leastSilence(of: change.seat.other, wasHeard: true, hasHeardUs: true) / 2
            let isAwake = !history.stalls.touch(heard.instant, change.instant, seat: change.seat)
            return silence > longest && isAwake ? violation("is gone") : nil
        }
    }
}

extension History {
    func life(_ seat: Seat, _ number: Int) -> Life? { lives.last { $0.seat == seat && $0.number == number } }

    /// The newest word of the peer that a server had heard: what it heard after that was older.
    func lastHeard(_ seat: Seat, _ life: Int, before instant: Instant) -> Reception? {
        var newest: Reception?
        for reception in receptions where reception.seat == seat && reception.life == life {
            guard reception.instant <= instant else { break }
            if newest.map({ reception.sentAt > $0.sentAt }) ?? true { newest = reception }
        }
        return newest
    }

    func hasHeard(_ seat: Seat, _ life: Int, before instant: Instant) -> Bool {
        receptions.contains { $0.seat == seat && $0.life == life && $0.instant < instant }
    }
}

extension [History.Span] {
    /// Whether a span of the seat covers the instant.
    func cover(_ instant: Instant, _ seat: Seat) -> Bool {
        contains { $0.seat == seat && $0.from < instant && instant < $0.until }
    }
}
