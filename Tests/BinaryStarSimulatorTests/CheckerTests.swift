import BinaryStarCore
import Testing

@testable import BinaryStarSimulator

/// A check is itself checked: each is given a history that breaks its rule.
@Suite struct CheckerTests {
    private let scenario: Scenario = {
        var scenario = Scenario.draw(seed: 1)
        scenario.pair = .ours
        scenario.timing = [.standard, .standard]
        scenario.clients = [.ours]
        scenario.faults = []
        scenario.keepsTerms = true
        scenario.faultsEnd = .seconds(1)
        return scenario
    }()

    private func rules(_ change: (inout History) -> Void) -> Set<String> {
        var history = History()
        for seat in Seat.allCases {
            history.lives.append(.init(seat: seat, number: 1, start: 0, end: .seconds(60), isClassic: false))
        }
        activate(&history, .primary, term: 2, at: .seconds(1))
        history.roleChanges.append(
            .init(
                seat: .backup, life: 1, from: .backup, to: .passive, term: 2, cause: "", instant: .seconds(2)))
        serve(&history, .primary, term: 2, at: .seconds(20))
        history.acceptances.append(
            .init(client: 0, seat: .primary, life: 1, term: 2, instant: .seconds(20), askedAt: .seconds(20)))
        change(&history)
        return Set(Checker.violations(in: history, of: scenario).map(\.rule))
    }

    private func activate(_ history: inout History, _ seat: Seat, term: UInt64, at instant: Instant) {
        history.roleChanges.append(
            .init(
                seat: seat, life: 1, from: seat == .primary ? .primary : .passive, to: .active, term: term, cause: "",
                instant: instant))
    }

    private func serve(_ history: inout History, _ seat: Seat, term: UInt64, at instant: Instant) {
        history.publications.append(
            .init(seat: seat, life: 1, term: term, instant: instant - .milliseconds(100)))
        // Its peer has answered.
        history.receptions.append(
            .init(
                seat: seat, life: 1, instant: instant - .milliseconds(50),
                senderHeardUpTo: instant - .milliseconds(100)))
        history.admissions.append(.init(seat: seat, life: 1, term: term, instant: instant))
    }

    @Test func nothingIsWrong() { #expect(rules { _ in } == []) }

    @Test func bothServe() {
        let broken = rules {
            activate(&$0, .backup, term: 3, at: .seconds(30))
            serve(&$0, .primary, term: 2, at: .seconds(31))
        }
        #expect(broken.isSuperset(of: ["rule 2", "rule 3", "rule 9"]))
    }

    @Test func aPartitionExcusesServiceByBothButNotForLong() {
        func broken(healedAt: Instant) -> Set<String> {
            rules {
                activate(&$0, .backup, term: 3, at: .seconds(30))
                serve(&$0, .primary, term: 2, at: .seconds(31))
                $0.linkFaults.append(.init(seat: nil, from: .seconds(28), until: healedAt))
                $0.roleChanges.append(
                    .init(
                        seat: .primary, life: 1, from: .active, to: .passive, term: 3, cause: "",
                        instant: .seconds(35)))
            }
        }
        #expect(broken(healedAt: .milliseconds(34_900)) == [])
        #expect(broken(healedAt: .seconds(32)) == ["rule 3"])
    }

    @Test func abort() {
        #expect(
            rules { $0.conflicts.append(.init(seat: .backup, instant: .seconds(3), isClassic: false)) } == ["rule 3"])
    }

    @Test func aClientGoesBack() {
        #expect(
            rules {
                $0.acceptances.append(
                    .init(client: 0, seat: .backup, life: 1, term: 1, instant: .seconds(21), askedAt: .seconds(21)))
            } == ["rule 4"])
    }

    @Test func serviceWithoutALease() {
        #expect(
            rules { $0.replies.append(.init(seat: .primary, life: 1, term: 2, instant: .seconds(25))) } == ["rule 5"])
    }

    @Test("A heartbeat after a stall is no proof: the peer's answer is")
    func serviceWithoutAnAnswer() {
        #expect(rules { $0.receptions = [] } == ["rule 5"])
        #expect(rules { $0.receptions[0].senderHeardUpTo = .seconds(1) } == ["rule 5"])
    }

    @Test("A scenario that breaks a rule is made smaller, and still breaks it")
    func shrinking() throws {
        // The active server's clients are cut off for so long that nobody is served to the end; the other's do not matter.
        var scenario = scenario
        scenario.starts = [0, 0]
        scenario.backupDies = false
        scenario.faultsEnd = .seconds(8)
        scenario.end = .seconds(24)
        scenario.faults = Seat.allCases.map {
            TimedFault(instant: .seconds(3), fault: .cutClients(of: $0, for: .seconds(300)))
        }
        scenario.faults.append(TimedFault(instant: .seconds(2), fault: .stepDown(.backup)))
        let smaller = Campaign.shrink(scenario)
        #expect(Campaign.run(smaller).violations.map(\.rule).contains("liveness"))
        #expect(smaller.faults.count == 1)
        #expect(smaller.faults.allSatisfy { $0.fault.halved != nil && !scenario.faults.contains($0) })
    }

    @Test func theHigherTermGivesWay() {
        #expect(
            rules {
                $0.roleChanges.append(
                    .init(
                        seat: .primary, life: 1, from: .active, to: .passive, term: 2, cause: "", instant: .seconds(40))
                )
            } == ["rule 3"])
    }

    @Test func aRequestWaitsForEver() {
        #expect(rules { $0.undecided.append(.seconds(1)) } == ["held requests"])
    }

    @Test func aTermIsMintedTwice() {
        #expect(
            rules {
                $0.roleChanges.append(
                    .init(
                        seat: .primary, life: 1, from: .active, to: .active, term: 2, cause: "", instant: .seconds(3)))
            } == ["terms"])
    }

    @Test func nobodyServes() {
        #expect(rules { $0.acceptances = [] } == ["liveness"])
    }

    @Test func theTable() {
        var scenario = scenario
        scenario.pair = .classic(.backup)
        scenario.coldStart = .never
        var history = History()
        history.acceptances.append(.init(client: 0, seat: .primary, life: 1, term: 0, instant: .seconds(20)))
        func decision(_ from: Role, _ to: Role, peer: Role?, isAdmitted: Bool = false) -> Set<String> {
            var history = history
            history.decisions.append(
                .init(
                    seat: .primary, life: 1, instant: 1, from: from, to: to, peerRole: peer, isAdmitted: isAdmitted,
                    isConflict: false, isExempt: false))
            return Set(Checker.violations(in: history, of: scenario).map(\.rule))
        }
        #expect(decision(.primary, .active, peer: .backup) == [])
        #expect(decision(.primary, .active, peer: .passive) == ["rule 1"])
        #expect(decision(.passive, .passive, peer: .primary) == ["rule 1"])
        #expect(decision(.backup, .active, peer: nil, isAdmitted: true) == ["rule 1"])
        #expect(decision(.active, .active, peer: nil) == ["rule 1"])
        #expect(decision(.active, .active, peer: .active) == ["rule 1"])
    }
}
