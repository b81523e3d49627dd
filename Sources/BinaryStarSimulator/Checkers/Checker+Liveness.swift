import BinaryStarCore

// That what should happen does, and in time.
extension Checker {
    // MARK: Heartbeats

    /// For a turn, at the end of which a heartbeat goes out.
    private static let busyTime = Instant.milliseconds(20)

    /// "A probe is answered at once. A role change is published at once", and a subscriber is told the role; but no peer makes
    /// a server publish more often than 64 times an interval.
    static func answers(_ history: History, _ scenario: Scenario) -> [Violation] {
        var violations: [Violation] = []
        for life in history.lives where !life.isClassic {
            let beats = history.publications.filter { $0.seat == life.seat && $0.life == life.number }.map(\.instant)
            let calls = history.calls.filter { $0.seat == life.seat && $0.life == life.number }
            let least = scenario.interval(of: life.seat) / 64
            for call in calls {
                let latest = call.instant + least + busyTime
                guard (life.end ?? .max) > latest, scenario.end > latest,
                    !history.stalls.touch(call.instant, latest, seat: life.seat),
                    !beats.contains(where: { call.instant <= $0 && $0 <= latest })
                else { continue }
                violations.append(
                    Violation(
                        rule: "answers", instant: latest, text: "\(life.seat) does not publish after \(call.what)"))
            }
            violations += flood(of: beats, life, least, scenario)
        }
        return violations
    }

    /// A change is told whenever it comes; other heartbeats keep their distance.
    private static func flood(
        of beats: [Instant], _ life: History.Life, _ least: Instant, _ scenario: Scenario
    ) -> [Violation] {
        var close: [Instant] = []
        for (earlier, later) in zip(beats, beats.dropFirst()) where later - earlier < least / 100 * 98 {
            close.append(later)
            guard close.count > 8 else { continue }
            if later - close.removeFirst() > scenario.interval(of: life.seat) { continue }
            return [Violation(rule: "answers", instant: later, text: "\(life.seat) floods its peer")]
        }
        return []
    }

    // MARK: Service

    /// When faults end and a client asks, somebody serves: after the last stall and restart (6 s), one timeout for a peer to
    /// expire, one more for a handover that failed, and a client's way from server to server, twice over.
    private static let recoveryTime = Instant.seconds(12)

    static func liveness(_ history: History, _ timeline: RoleTimeline, _ scenario: Scenario) -> [Violation] {
        // Clients that have seen the end of all terms believe nobody any more.
        guard history.forgedTerm < Term.maximumFloor else { return [] }
        let deadline = scenario.faultsEnd + recoveryTime
        var violations: [Violation] = []
        // A run that was cut short says nothing about it.
        if scenario.end > deadline + .seconds(1), !history.acceptances.contains(where: { $0.instant > deadline }) {
            violations.append(Violation(rule: "liveness", instant: deadline, text: "nobody serves any more"))
        }
        if scenario.pair == .ours {
            violations += gaps(history, timeline, scenario) + chatter(history, timeline, scenario)
        }
        return violations
    }

    /// While nothing disturbs the pair, requests are answered; also when it hands over.
    private static func gaps(_ history: History, _ timeline: RoleTimeline, _ scenario: Scenario) -> [Violation] {
        let calm = calm(history, timeline, scenario)
        let waits =
            history.acceptances.map { ($0.client, $0.askedAt, $0.instant) }
            + history.unanswered.map { ($0.client, $0.askedAt, scenario.end) }
        return waits.compactMap { client, from, until in
            let longest = calm.map { min(until, $0.until) - max(from, $0.from) }.max() ?? 0
            // Each handover may refuse a request that waited for it.
            let handovers = history.roleChanges.count {
                $0.cause == "\(Cause.stepDown)" && from - .milliseconds(100) <= $0.instant && $0.instant <= until
            }
            let limit = longestAnswer(to: scenario.clients[client]) * Instant(max(1, handovers))
            guard longest > limit else { return nil }
            return Violation(
                rule: "liveness", instant: until,
                text: "client \(client) waits for \(longest.secondsText) s, and nothing is wrong")
        }
    }

    /// When the pair has settled, and nothing disturbs it.
    private static func calm(
        _ history: History, _ timeline: RoleTimeline, _ scenario: Scenario
    ) -> [(from: Instant, until: Instant)] {
        let disturbances = disturbances(history, timeline).sorted { $0.from < $1.from }
        let settling = settlingTime(scenario)
        // What lies between: from when the pair has settled, until when nothing disturbs it.
        var calm: [(from: Instant, until: Instant)] = []
        var start: Instant = 0
        for span in disturbances {
            if span.from > start + settling { calm.append((start + settling, span.from)) }
            start = max(start, min(span.until, scenario.end))
        }
        if scenario.end > start + settling, start < scenario.end { calm.append((start + settling, scenario.end)) }
        return calm
    }

    /// A server of a pair that nothing disturbs publishes at its beats, and little else.
    private static func chatter(
        _ history: History, _ timeline: RoleTimeline, _ scenario: Scenario
    ) -> [Violation] {
        calm(history, timeline, scenario).flatMap { from, until in
            Seat.allCases.compactMap { seat in
                let count = history.publications.count {
                    $0.seat == seat && from <= $0.instant && $0.instant < until
                }
                let extra = history.calls.count {
                    $0.seat == seat && from <= $0.instant && $0.instant < until && !$0.isProbe
                }
                guard count > 2 * Int((until - from) / scenario.interval(of: seat)) + 4 * extra + 20 else { return nil }
                return Violation(
                    rule: "answers", instant: from,
                    text: "\(seat) publishes \(count) times in \((until - from).secondsText) s, and nothing is wrong")
            }
        }
    }

    /// Within it a pair of which one server has died, or that was disturbed in another way, serves again: the expiry, as much for a
    /// handover that failed, and the way of a classic client to the other server and back.
    private static func settlingTime(_ scenario: Scenario) -> Instant {
        2 * max(scenario.timeout(of: .primary), scenario.timeout(of: .backup)) + .milliseconds(2_800)
    }

    /// By servers that work: a handover takes a round trip or two. Requests that wait for it are refused then, which a
    /// classic client learns by silence, and asks the other server after that.
    private static func longestAnswer(to client: Scenario.ClientKind) -> Instant {
        client == .classic ? .milliseconds(1_900) : .milliseconds(350)
    }

    private static func disturbances(_ history: History, _ timeline: RoleTimeline) -> [History.Span] {
        var spans = history.linkFaults + history.disturbances + history.stalls + history.pauses + history.illnesses
        for life in history.lives {
            // A new connection takes up to 0.1 s.
            let from = life.number == 1 ? 0 : life.start
            spans.append(History.Span(seat: nil, from: from, until: life.start + .milliseconds(100)))
            guard let end = life.end else { continue }
            let next = history.life(life.seat, life.number + 1)?.start ?? .max
            // The other one takes over, unless it is none that may.
            let other = timeline.period(of: life.seat.other, at: end)
            let takesOver = other.map { $0.role != .backup && $0.until > end } ?? false
            spans.append(History.Span(seat: nil, from: end, until: takesOver ? end : next))
        }
        return spans
    }
}
