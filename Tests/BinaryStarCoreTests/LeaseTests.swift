import TestSupport
import Testing

@testable import BinaryStarCore

/// The lease, stalls and suspicion, at the nanosecond.
@Suite struct LeaseTests {
    /// An active server in the primary seat with an extended peer, which has last published at 0.
    private func active(termOfPeer: UInt64 = 0) -> Server {
        var server = Server(.primary)
        server.tick(at: .at(0))
        server.hear(news(.backup, sequence: 1, term: termOfPeer, echo: server.echo()), at: .at(0))
        server.tick(at: .at(0))
        precondition(server.member.role == .active, "the server is not active")
        return server
    }

    private func news(
        _ role: Role, sequence: UInt64, term: UInt64 = 0, echo: HeartbeatExtension.Echo? = nil
    ) -> Heartbeat {
        .extended(role, seat: .backup, sequence: sequence, term: term, echo: echo)
    }

    @Test("An active that was away longer than its lease admits nothing, sends no reply and probes")
    func end() {
        var server = active()
        #expect(server.member.leaseEnd == .at(200))
        #expect(server.request(at: .at(199)) == .admit)
        #expect(server.request(at: .at(200)) == .hold)
        #expect(server.member.isSuspect)
        let mayReply = server.member.mayReply(at: .at(200))
        #expect(!mayReply)
        #expect(server.member.nextDeadline == .at(200))
        server.outbox = []
        server.tick(at: .at(200))
        #expect(server.outbox.map(\.role) == [.active])
        #expect(server.outbox.last?.extension?.flags.contains(.probe) == true)
        #expect(server.request(at: .at(201)) == .hold)
    }

    @Test("Admission is checked against the clock for each request: a reply alone notices the stall too")
    func repliesNoticeAStall() {
        var server = active()
        let early = server.member.mayReply(at: .at(199))
        #expect(early)
        let late = server.member.mayReply(at: .at(500))
        #expect(!late)
        #expect(server.member.isSuspect)
    }

    @Test("A publication after the end of the lease does not renew it")
    func lateHeartbeat() {
        var server = active()
        server.tick(at: .at(250))
        #expect(server.member.isSuspect)
        #expect(!server.member.admission.admits(at: .at(250), clientTerm: 0))
        #expect(server.request(at: .at(251)) == .hold)
    }

    @Test("A heartbeat renews the lease when it has gone out, and not if that took until the lease had ended")
    func lateSending() {
        var server = active()
        #expect(server.member.tick(at: .at(100)).mustPublish)
        _ = server.member.makeHeartbeat(at: .at(100))
        #expect(server.member.leaseEnd == .at(200))
        var late = server
        server.member.heartbeatWasSent(at: .at(199))
        #expect(server.member.leaseEnd == .at(300))
        late.member.heartbeatWasSent(at: .at(200))
        #expect(late.request(at: .at(200)) == .hold)
        #expect(late.member.isSuspect)
    }

    @Test("A fresh echo (of a heartbeat sent after the stall) that says passive clears it")
    func freshEcho() {
        var server = active()
        let old = server.echo()
        server.tick(at: .at(400))
        let new = server.echo()
        // It has heard what was sent before the stall.
        server.hear(news(.passive, sequence: 2, echo: old), at: .at(401))
        server.hear(news(.passive, sequence: 3), at: .at(402))
        #expect(server.member.isSuspect)
        server.hear(news(.passive, sequence: 4, echo: new), at: .at(403))
        #expect(!server.member.isSuspect)
        // From the heartbeat that the peer has heard, not from its answer.
        #expect(server.member.leaseEnd == .at(600))
        #expect(server.request(at: .at(404)) == .admit)
    }

    @Test("After a stall it serves in a new term: its peer may have served, and died before it was heard")
    func newTermAfterAStall() {
        var server = active()
        let before = server.member.term
        server.tick(at: .at(400))
        let life = Heartbeat.extended(.passive, seat: .backup, incarnation: 9, sequence: 1, echo: server.echo())
        server.hear(life, at: .at(401))
        #expect(!server.member.isSuspect)
        #expect(server.member.term > before)
        #expect(server.transitions.last?.term == server.member.term)
    }

    @Test("What was heard too late proves nothing about now")
    func secondStall() {
        var server = active()
        server.tick(at: .at(400))
        let echo = server.echo()
        #expect(server.request(at: .at(401)) == .hold)
        // The answer was said at once, and is read after a second stall.
        server.hear(news(.passive, sequence: 2, term: 50, echo: echo), at: .at(5_000))
        #expect(server.member.isSuspect)
        #expect(server.heldRequests.isEmpty)
        #expect(server.transitions.count == 1)
    }

    @Test("The suspect's own stalls are no silence of its peer")
    func stallOfASuspect() {
        var server = active()
        server.tick(at: .at(400))
        #expect(server.member.peerExpiry == .at(700))
        #expect(server.request(at: .at(5_000)) == .hold)
        #expect(server.member.peerExpiry == .at(5_300))
        server.run(until: .at(5_300))
        #expect(!server.member.isSuspect)
        #expect(server.heldRequests == [.serve])
    }

    @Test("Time in which a server could not hear its peer does not count as the peer's silence, however short")
    func shortDelays() {
        var server = Server(.backup)
        server.hear(.extended(.active, seat: .primary, sequence: 1), at: .at(0))
        server.tick(at: .at(0))
        // Each turn comes later than asked for, but none by as much as a stall.
        for now in [199, 299] as [Int64] { server.tick(at: .at(now)) }
        #expect(server.request(at: .at(300)) == .hold)
        #expect(server.member.peerExpiry == .at(300 + 99 + 99))
    }

    @Test("An echo of a heartbeat sent before a client told of a higher term proves nothing")
    func oldEchoAfterAClientsWord() {
        var server = active()
        let old = server.echo()
        #expect(server.request(at: .at(10), clientTerm: 99) == .hold)
        server.tick(at: .at(10))
        server.hear(news(.passive, sequence: 2, echo: old), at: .at(11))
        #expect(server.member.isSuspect)
        server.hear(news(.passive, sequence: 3, echo: server.echo()), at: .at(12))
        #expect(!server.member.isSuspect && server.member.term == 100)
    }

    @Test("The peer's announced interval sets its expiry; until it has heard us, its own timeout does")
    func expiryOfASlowPeer() {
        var server = Server(.backup)
        server.tick(at: .at(0))
        let slow = HeartbeatTiming(interval: .seconds(1), timeout: .seconds(10))
        server.hear(.extended(.active, seat: .primary, sequence: 1, timing: slow), at: .at(0))
        #expect(server.member.peerExpiry == .at(10_000))
        server.hear(.extended(.active, seat: .primary, sequence: 2, timing: slow, echo: server.echo()), at: .at(1))
        #expect(server.member.peerExpiry == .at(2_001))
    }

    @Test("Active with higher term makes it passive")
    func superseded() {
        var server = active()
        server.tick(at: .at(400))
        #expect(server.request(at: .at(400)) == .hold)
        server.hear(news(.active, sequence: 2, term: 3), at: .at(401))
        #expect(server.member.role == .passive && server.member.term == 3)
        #expect(server.transitions.last?.cause == .superseded)
        #expect(server.heldRequests == [.refuse])
        #expect(server.request(at: .at(402)) != .admit)
    }

    @Test("A server is not at once suspect for becoming active, nor sure for longer than its last heartbeat allows")
    func leaseOfANewActive() {
        var server = Server(.primary)
        server.tick(at: .at(0))
        // 99 ms after it was heard last, on a word that is as old.
        server.hear(news(.backup, sequence: 1, echo: server.echo()), at: .at(99))
        #expect(server.member.role == .active)
        #expect(server.member.leaseEnd == .at(200))
        #expect(server.request(at: .at(199)) == .admit)
        #expect(server.request(at: .at(200)) == .hold)
    }

    @Test("The lease ends before the peer's expiry, whatever the timing on both sides and whenever the stall begins")
    func leaseAndExpiry() {
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        var compared = 0
        for _ in 0..<300 {
            func timing() -> HeartbeatTiming {
                let interval = Int.random(in: 2...400, using: &generator)
                let shortest = Bool.random(using: &generator)
                let timeout = shortest ? interval * 2 : Int.random(in: interval * 2...interval * 10, using: &generator)
                return .init(interval: .milliseconds(interval), timeout: .milliseconds(timeout))
            }
            let (ours, theirs) = (timing(), timing())
            // The primary is alone until it has been voted in.
            var pair = Pair(Server(.primary, timing: ours), Server(.backup, timing: theirs))
            pair.delay = .zero
            pair.muted = Bool.random(using: &generator) ? Set(Seat.allCases) : []
            let meeting = Int(ours.timeout / .milliseconds(1)) + 1
            pair.run(for: meeting)
            pair.request(.primary)
            pair.muted = []
            pair.run(for: Int.random(in: 0...meeting * 2, using: &generator))
            // What it has published arrives.
            pair.stall(.primary)
            pair.run(for: 1)
            let (active, passive) = (pair[.primary].member, pair[.backup].member)
            guard active.role == .active, passive.role == .passive else { continue }
            #expect(active.leaseEnd < passive.peerExpiry, "\(ours), \(theirs)")
            compared += 1
        }
        #expect(compared > 200)
    }
}
