import BinaryStarCore
import TestSupport
import Testing

/// A server and its schedule, with a classic peer: what the zguide's reactor does.
@Suite struct PairMemberTests {
    private func at(_ milliseconds: Int64) -> MonotonicTime { .at(milliseconds) }

    /// A server with the classic wire, whose times are those that are given.
    private func server(in role: Role, at now: MonotonicTime = .at(0)) -> Server {
        var server = Server(role == .primary || role == .active ? .primary : .backup, wire: .classic)
        switch role {
        case .primary, .backup: break
        case .active: server.hear(.backup, at: now)
        case .passive: server.hear(.active, at: now)
        }
        server.tick(at: now)
        return server
    }

    // MARK: Schedule

    @Test func firstHeartbeatIsDueAtOnce() {
        var server = Server()
        #expect(server.member.nextDeadline == at(0))
        #expect(server.member.tick(at: at(0)).mustPublish)
        #expect(server.member.nextDeadline == at(100))
    }

    @Test func nothingIsDueBeforeItsTime() {
        var server = server(in: .primary)
        #expect(!server.member.tick(at: at(99)).mustPublish)
        #expect(server.member.nextDeadline == at(100))
        #expect(server.member.tick(at: at(100)).mustPublish)
    }

    @Test func intervalDoesNotDrift() {
        var server = server(in: .active)
        for beat in 1..<100 as Range<Int64> {
            // Each turn comes 7 ms late.
            let now = at(beat * 100 + 7)
            server.hear(.passive, at: now)
            server.tick(at: now)
            #expect(server.member.nextDeadline == at((beat + 1) * 100))
        }
        #expect(server.outbox.count == 100)
    }

    @Test(arguments: [101, 1_000, 86_400_000] as [Int64])
    func noBurstAfterAStall(stall: Int64) {
        var server = server(in: .primary)
        #expect(server.member.tick(at: at(stall + 100)).mustPublish)
        #expect(!server.member.tick(at: at(stall + 100)).mustPublish)
        #expect(!server.member.tick(at: at(stall + 101)).mustPublish)
        #expect(server.member.nextDeadline > at(stall + 100))
        #expect(server.member.nextDeadline <= at(stall + 200))
    }

    @Test func changeByThePeerIsPublishedAtOnce() {
        var server = server(in: .primary)
        server.hear(.backup, at: at(42))
        #expect(server.member.role == .active)
        #expect(server.member.nextDeadline == at(42))
        #expect(server.member.tick(at: at(42)).mustPublish)
        #expect(server.member.nextDeadline == at(142))
    }

    @Test func changeByAVoteIsPublishedAtOnce() {
        var server = Server()
        server.run(until: at(350))
        guard case .promoteAndAdmit(let transition) = server.request(at: at(351)) else {
            Issue.record("the vote is refused")
            return
        }
        #expect(transition.cause == .clientRequest)
        #expect(server.member.nextDeadline == at(351))
        #expect(server.member.tick(at: at(351)).mustPublish)
    }

    // MARK: Expiry

    @Test("At start the peer counts as alive for one timeout", arguments: [HeartbeatWire.classic, .extended])
    func peerCountsAsAliveAtStart(wire: HeartbeatWire) {
        var server = Server(wire: wire)
        let early: PairMember.RequestAction = wire == .classic ? .refuse : .hold
        #expect(server.member.peerExpiry == at(300))
        #expect(server.request(at: at(0)) == early)
        server.run(until: at(299))
        #expect(server.request(at: at(299)) == early)
        #expect(server.member.role == .primary)
        #expect(server.request(at: at(300)).isAdmission)
        #expect(server.member.role == .active)
    }

    @Test("A valid heartbeat renews the expiry before it is applied", arguments: Role.allCases, Role.allCases)
    func everyValidHeartbeatRenewsTheExpiry(role: Role, peer: Role) {
        var server = server(in: role)
        server.hear(peer, at: at(5_000))
        #expect(server.member.peerExpiry == at(5_300))
        #expect(!server.member.isPeerExpired(at: at(5_299)))
    }

    @Test func lateHeartbeatOfTheActiveKeepsThePassiveFromServing() {
        var server = server(in: .passive)
        server.run(until: at(400))
        #expect(server.member.isPeerExpired(at: at(400)))
        server.hear(.active, at: at(400))
        #expect(server.request(at: at(400)) == .refuse)
        server.run(until: at(699))
        #expect(server.request(at: at(699)) == .refuse)
        #expect(server.request(at: at(700)).isAdmission)
    }

    @Test func timeAloneChangesNoRole() {
        for role in Role.allCases {
            var server = server(in: role)
            server.run(until: at(50_000))
            #expect(server.member.role == role)
        }
    }

    @Test func backupThatHasNeverMetItsPeerRefusesForEver() {
        var server = Server(.backup)
        server.run(until: at(3_600_000))
        #expect(server.request(at: at(3_600_000)) == .refuse)
        #expect(server.member.role == .backup)
    }

    // MARK: The table, through a member

    @Test(
        "With a classic peer, every (role, event, expired?) gives exactly the zguide reactor's outcome",
        arguments: StateMachineTests.Triple.all, [HeartbeatWire.classic, .extended])
    func table(_ triple: StateMachineTests.Triple, wire: HeartbeatWire) {
        var server = Server(triple.role == .primary || triple.role == .active ? .primary : .backup, wire: wire)
        // What makes the peer known as classic, and the server what it is to be.
        let first: Role =
            switch triple.role {
            case .primary: .primary
            case .backup: .primary
            case .active: .backup
            case .passive: .active
            }
        server.hear(first, at: at(0))
        server.tick(at: at(0))
        #expect(server.member.role == triple.role)
        // Unless the star itself runs classic, a classic peer's interval is taken as 1 s.
        let expiry: Int64 = wire == .classic ? 300 : 2_000
        #expect(server.member.peerExpiry == at(expiry))
        let now = at(triple.isExpired ? expiry + 100 : 50)
        server.run(until: now)
        #expect(server.member.isPeerExpired(at: now) == triple.isExpired)
        let cell: String
        switch triple.event {
        case .clientRequest:
            switch server.request(at: now) {
            case .admit: cell = "+"
            case .promoteAndAdmit: cell = ">active+"
            case .refuse: cell = "refuse"
            case .hold: cell = "hold"
            }
        case .peer(let role):
            server.hear(role, at: now)
            if let conflict = server.conflicts.last {
                cell = conflict == .dualActive ? "dual-active" : "dual-passive"
            } else {
                cell = server.member.role == triple.role ? "-" : ">\(server.member.role)"
            }
        }
        #expect(cell == triple.expectedCell)
    }

    // MARK: Subscriptions

    @Test("A role is published at once to whoever begins to listen, but not more often than a few times an interval")
    func subscription() {
        var server = Server()
        server.tick(at: at(0))
        server.outbox = []
        for now in 20..<60 {
            server.member.wasSubscribedTo(at: at(Int64(now)))
            if server.member.nextDeadline <= at(Int64(now)) { server.tick(at: at(Int64(now))) }
        }
        #expect(server.member.nextDeadline <= at(62))
        #expect(server.outbox.count > 10 && server.outbox.count <= 40 * 64 / 100 + 1)
    }

    // MARK: The driver's contract

    @Test("Call tick no later than nextDeadline", arguments: Seat.allCases)
    func deadlineIsAlwaysAheadOfATick(seat: Seat) {
        var server = Server(seat)
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        var now = at(0)
        for _ in 0..<10_000 {
            now = now + .microseconds(Int64.random(in: 0...200_000, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: _ = server.request(at: now)
            case 1: server.hear(.allCases.randomElement(using: &generator)!, at: now)
            default: break
            }
            server.tick(at: now)
            #expect(server.member.nextDeadline > now)
            #expect(server.member.nextDeadline <= now + HeartbeatTiming.brisk.interval)
        }
    }

    @Test func aPauseIsToldToThePeer() {
        var pair = Pair.met()
        pair[.backup].member.isPaused = true
        pair.run(for: 110)
        #expect(pair[.primary].member.peer.flags == [.paused])
        pair[.backup].member.isPaused = false
        pair.run(for: 110)
        #expect(pair[.primary].member.peer.flags == [])
    }
}
