import BinaryStarCore
import Testing

@testable import BinaryStarSimulator

/// The checks of what votes, operators and the application may do, and of what has to happen in time.
@Suite struct OperationCheckerTests {
    private func rules(
        _ scenario: (inout Scenario) -> Void = { _ in }, _ change: (inout History) -> Void
    ) -> Set<String> {
        var drawn = Scenario.draw(seed: 1)
        drawn.pair = .ours
        drawn.clients = [.ours]
        drawn.timing = [.standard, .standard]
        drawn.coldStart = .never
        drawn.provesDeath = true
        (drawn.faults, drawn.faultsEnd, drawn.end) = ([], .seconds(50), .seconds(60))
        scenario(&drawn)
        var history = History()
        for seat in Seat.allCases {
            history.lives.append(.init(seat: seat, number: 1, start: 0, end: .seconds(60), isClassic: false))
        }
        // The backup, passive, has heard the primary until 20 s.
        change(&history)
        return Set(Checker.violations(in: history, of: drawn).map(\.rule))
    }

    private func hear(
        _ history: inout History, _ role: Role = .passive, at instant: Instant, isUnhealthy: Bool = false
    ) {
        history.receptions.append(
            .init(
                seat: .backup, life: 1, instant: instant, senderHeardUpTo: instant - 1, sentAt: instant - 1, role: role,
                isSenderUnhealthy: isUnhealthy))
    }

    private func change(
        _ history: inout History, _ from: Role, _ to: Role, at instant: Instant,
        by trigger: History.Trigger = .request, cause: Cause = .clientRequest
    ) {
        history.roleChanges.append(
            .init(
                seat: .backup, life: 1, from: from, to: to, term: 3, cause: "\(cause)", instant: instant,
                trigger: trigger))
    }

    @Test("A vote needs a silence of the timeout, or a death")
    func failover() {
        func broken(after silence: Instant, cause: Cause = .clientRequest, deathAt: Instant = .seconds(60)) -> Bool {
            rules {
                hear(&$0, at: .seconds(20))
                $0.lives[0].end = deathAt
                change(&$0, .passive, .active, at: .seconds(20) + silence, cause: cause)
            }.contains("failover")
        }
        #expect(!broken(after: .milliseconds(1_001)))
        #expect(broken(after: .milliseconds(900)))
        #expect(broken(after: .milliseconds(900), deathAt: .milliseconds(20_500)))
        #expect(!broken(after: .milliseconds(900), cause: .clientRequestAfterPeerDeath, deathAt: .milliseconds(20_500)))
        #expect(broken(after: .milliseconds(1_001), cause: .clientRequestAfterPeerDeath))
    }

    @Test func pauseAndHealth() {
        func broken(by trigger: History.Trigger, _ span: WritableKeyPath<History, [History.Span]>) -> Set<String> {
            rules {
                $0[keyPath: span].append(.init(seat: .backup, from: .seconds(10), until: .seconds(30)))
                change(&$0, .passive, .active, at: .seconds(22), by: trigger)
            }.intersection(["pause", "health"])
        }
        #expect(broken(by: .request, \.pauses) == ["pause"])
        #expect(broken(by: .heartbeat, \.pauses) == [])
        #expect(broken(by: .request, \.illnesses) == ["health"])
        #expect(broken(by: .heartbeat, \.illnesses) == ["health"])
    }

    @Test func coldStart() {
        func broken(_ coldStart: ColdStart, at instant: Instant) -> Bool {
            rules({ $0.coldStart = coldStart }) { change(&$0, .backup, .active, at: instant) }.contains("cold start")
        }
        #expect(broken(.never, at: .seconds(30)))
        #expect(broken(.after(.seconds(3)), at: .seconds(2)))
        #expect(!broken(.after(.seconds(3)), at: .seconds(3)))
    }

    @Test("A handover goes to a living, passive, healthy peer")
    func handover() {
        func broken(_ role: Role = .passive, isUnhealthy: Bool = false, after silence: Instant = 1) -> Bool {
            rules {
                hear(&$0, role, at: .seconds(20), isUnhealthy: isUnhealthy)
                change(&$0, .active, .backup, at: .seconds(20) + silence, by: .command, cause: .stepDown)
            }.contains("handover")
        }
        #expect(!broken())
        #expect(broken(.backup))
        #expect(broken(isUnhealthy: true))
        #expect(broken(after: .seconds(2)))
    }

    @Test("What has to be told at once is, and nobody floods its peer")
    func answers() {
        func broken(publishedAt instants: [Instant]) -> Bool {
            rules {
                $0.calls.append(.init(seat: .backup, life: 1, instant: .seconds(20), what: "a probe"))
                for instant in instants {
                    $0.publications.append(.init(seat: .backup, life: 1, term: 0, instant: instant))
                }
            }.contains("answers")
        }
        #expect(!broken(publishedAt: [.seconds(20)]))
        #expect(!broken(publishedAt: [.milliseconds(20_020)]))
        #expect(broken(publishedAt: [.milliseconds(20_100)]))
        #expect(broken(publishedAt: (0..<20).map { .seconds(20) + .milliseconds($0) }))
        #expect(!broken(publishedAt: (0..<20).map { .seconds(20) + .milliseconds($0 * 4) }))
    }

    @Test("While nothing is wrong, requests are answered in time")
    func gaps() {
        func broken(askedAt: Instant, disturbedUntil: Instant = 0) -> Bool {
            rules {
                $0.disturbances.append(.init(seat: nil, from: 0, until: disturbedUntil))
                $0.acceptances.append(
                    .init(client: 0, seat: .primary, life: 1, term: 0, instant: .seconds(55), askedAt: askedAt))
            }.contains("liveness")
        }
        #expect(broken(askedAt: .milliseconds(54_500)))
        #expect(!broken(askedAt: .milliseconds(54_800)))
        #expect(!broken(askedAt: .milliseconds(54_500), disturbedUntil: .seconds(54)))
    }

    @Test("The core's table is the zguide's")
    func table() {
        #expect(TableCheck.violations() == [])
    }
}
