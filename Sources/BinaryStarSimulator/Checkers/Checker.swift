import BinaryStarCore

/// Looks at what was seen of a run, and says which rules were broken. It knows nothing of how a server decides.
package enum Checker {
    package static func violations(in history: History, of scenario: Scenario) -> [Violation] {
        let timeline = RoleTimeline(history)
        var violations = clients(history, scenario)
        if scenario.pair == .ours {
            violations += oneActive(history, scenario)
            violations += healing(history, timeline, scenario)
            violations += lease(history, scenario)
            violations += noFalseFailover(history, timeline, scenario)
            violations += terms(history, scenario)
            violations += givingWay(history)
            violations += undecided(history, scenario)
        } else {
            violations += table(history, scenario)
            violations += afterStall(history, timeline, scenario)
        }
        violations += votes(history, scenario)
        violations += handovers(history, scenario)
        violations += answers(history, scenario)
        violations += liveness(history, timeline, scenario)
        violations += history.misdeeds
        return violations.sorted { $0.instant < $1.instant }
    }

    // MARK: Rule 2

    /// "While the links work, no server admits a request after the other has become active."
    private static func oneActive(_ history: History, _ scenario: Scenario) -> [Violation] {
        history.admissions.compactMap { admission in
            let own = history.roleChanges.last {
                $0.seat == admission.seat && $0.life == admission.life && $0.isActivation
                    && $0.instant <= admission.instant
            }
            guard let own else {
                return Violation(
                    rule: "rule 2", instant: admission.instant, text: "\(admission.seat) serves and never became active"
                )
            }
            let other = history.roleChanges.last {
                $0.seat != admission.seat && $0.isActivation && $0.from != .active
                    && $0.instant > own.instant && $0.instant < admission.instant
            }
            guard let other,
                !history.linkFaults.touch(other.instant - scenario.quietTime, admission.instant)
            else { return nil }
            return Violation(
                rule: "rule 2", instant: admission.instant,
                text: "\(admission.seat) serves in term \(admission.term) after \(other.seat) became active in term "
                    + "\(other.term) at \(other.instant.secondsText)")
        }
    }

    // MARK: Rule 3

    /// "The higher term stays and the lower goes passive. Nobody aborts."
    private static func healing(
        _ history: History, _ timeline: RoleTimeline, _ scenario: Scenario
    ) -> [Violation] {
        var violations = history.conflicts.map {
            Violation(rule: "rule 3", instant: $0.instant, text: "\($0.seat) aborts")
        }
        for left in timeline.periods(of: .primary) where left.role == .active {
            for right in timeline.periods(of: .backup) where right.role == .active {
                let from = max(left.from, right.from)
                let until = min(left.until, right.until)
                guard from < until else { continue }
                let healed = history.linkFaults.filter { $0.from < until }.map(\.until).max() ?? 0
                let awake = history.stalls.filter { $0.from < until }.map(\.until).max() ?? 0
                let start = max(from, healed, awake)
                guard until - start > scenario.healingTime else { continue }
                violations.append(
                    Violation(
                        rule: "rule 3", instant: start,
                        text: "both are active for \((until - start).secondsText) s more"))
            }
        }
        return violations
    }

    /// "The higher term stays": only to a higher term than its own does an active server give way.
    private static func givingWay(_ history: History) -> [Violation] {
        history.roleChanges.compactMap { change in
            guard change.from == .active, change.to == .passive,
                let own = history.roleChanges.last(where: {
                    $0.seat == change.seat && $0.life == change.life && $0.isActivation && $0.instant <= change.instant
                }),
                change.term <= own.term
            else { return nil }
            return Violation(
                rule: "rule 3", instant: change.instant,
                text: "\(change.seat) gives way in term \(own.term), and knows no higher one")
        }
    }

    /// A request that waits is decided about when the peer is heard or has expired.
    private static func undecided(_ history: History, _ scenario: Scenario) -> [Violation] {
        history.undecided.filter { scenario.end - $0 > scenario.quietTime }.map {
            Violation(rule: "held requests", instant: $0, text: "a request waits for ever")
        }
    }

    // MARK: Rule 4

    /// "A client of ours never accepts a reply of a lower term than it has seen."
    private static func clients(_ history: History, _ scenario: Scenario) -> [Violation] {
        var highest: [Int: UInt64] = [:]
        return history.acceptances.compactMap { acceptance in
            guard scenario.clients[acceptance.client] == .ours else { return nil }
            defer { highest[acceptance.client] = max(highest[acceptance.client] ?? 0, acceptance.term) }
            // A classic server has no term.
            guard acceptance.term > 0, let seen = highest[acceptance.client], acceptance.term < seen else { return nil }
            return Violation(
                rule: "rule 4", instant: acceptance.instant,
                text: "client \(acceptance.client) takes a reply of term \(acceptance.term) after \(seen)")
        }
    }

    // MARK: Rule 5

    /// "After its own stall a server serves nothing and sends no reply until it knows that its peer did not take over": it
    /// serves only within the lease that its last heartbeat or its activation gave it; and when it was silent for longer
    /// in between, it has heard its peer since, which had heard it since.
    private static func lease(_ history: History, _ scenario: Scenario) -> [Violation] {
        (history.admissions.map { ($0, "serves") } + history.replies.map { ($0, "replies") }).compactMap {
            service, verb in
            let longestLease = scenario.longestLease(of: service.seat)
            func isRecent(_ seat: Seat, _ life: Int, _ instant: Instant) -> Bool {
                seat == service.seat && life == service.life && instant <= service.instant
                    && service.instant - instant <= longestLease
            }
            guard
                history.publications.contains(where: { isRecent($0.seat, $0.life, $0.instant) })
                    || history.roleChanges.contains(where: { $0.isActivation && isRecent($0.seat, $0.life, $0.instant) }
                    )
            else {
                return Violation(
                    rule: "rule 5", instant: service.instant,
                    text: "\(service.seat) \(verb) and has said nothing for longer than a lease")
            }
            guard let end = endOfLease(before: service, history, longestLease),
                !hasHeardPeer(since: end, service, history)
            else {
                return nil
            }
            return Violation(
                rule: "rule 5", instant: service.instant,
                text: "\(service.seat) \(verb) and has no word of its peer from after \(end.secondsText)")
        }
    }

    /// When a server's lease ended last because it was silent, in the time since it became active.
    private static func endOfLease(
        before service: History.Service, _ history: History, _ longestLease: Instant
    ) -> Instant? {
        func isOwn(_ seat: Seat, _ life: Int, _ instant: Instant) -> Bool {
            seat == service.seat && life == service.life && instant <= service.instant
        }
        let activation = history.roleChanges.last { $0.isActivation && isOwn($0.seat, $0.life, $0.instant) }
        guard let activation else { return nil }
        var later = service.instant
        for beat in history.publications.reversed() where isOwn(beat.seat, beat.life, beat.instant) {
            guard beat.instant > activation.instant else { break }
            if later - beat.instant > longestLease { return beat.instant + longestLease }
            later = beat.instant
        }
        return later - activation.instant > longestLease ? activation.instant + longestLease : nil
    }

    private static func hasHeardPeer(since instant: Instant, _ service: History.Service, _ history: History) -> Bool {
        history.receptions.contains {
            $0.seat == service.seat && $0.life == service.life && $0.instant <= service.instant
                && $0.senderHeardUpTo >= instant
        }
    }

    // MARK: Rule 9, and the passive's own stall

    /// A server whose peer is active, alive and linked does not become active: neither a restarted one nor one that stalled.
    private static func noFalseFailover(
        _ history: History, _ timeline: RoleTimeline, _ scenario: Scenario
    ) -> [Violation] {
        let quietTime = scenario.quietTime
        return history.roleChanges.compactMap { change in
            guard change.isActivation, change.from != .active,
                let peer = timeline.period(of: change.seat.other, at: change.instant), peer.role == .active,
                change.instant - peer.from > quietTime,
                !history.linkFaults.touch(change.instant - quietTime, change.instant),
                !history.stalls.touch(change.instant - quietTime, change.instant, seat: change.seat.other)
            else { return nil }
            return Violation(
                rule: "rule 9", instant: change.instant,
                text: "\(change.seat) becomes active (\(change.cause)) while its peer serves")
        }
    }

    // MARK: Terms

    private static func terms(_ history: History, _ scenario: Scenario) -> [Violation] {
        // Without a kept term, a wall clock that was set back makes a later life begin below an earlier one.
        // So does one that a client has made the servers mint far above it.
        let growOverLives =
            scenario.keepsTerms
            ? history.forgedTerm < Term.maximumFloor : history.wallClockSteps.isEmpty && history.forgedTerm == 0
        var violations: [Violation] = []
        var seen: [UInt64: Seat] = [:]
        var last: [Seat: History.RoleChange] = [:]
        for change in history.roleChanges where change.isActivation {
            if let seat = seen[change.term], growOverLives || seat != change.seat {
                violations.append(
                    Violation(rule: "terms", instant: change.instant, text: "term \(change.term) is minted twice"))
            }
            seen[change.term] = change.seat
            if let earlier = last[change.seat], growOverLives || earlier.life == change.life,
                change.term <= earlier.term
            {
                violations.append(
                    Violation(
                        rule: "terms", instant: change.instant,
                        text: "\(change.seat) goes from term \(earlier.term) to \(change.term)"))
            }
            last[change.seat] = change
        }
        return violations
    }
}
