import Testing

@testable import BinaryStarCore

/// What an extended peer's word is worth: how old it can be, and whether it is the peer's at all.
@Suite struct FreshnessTests {
    /// A passive server in the backup seat, whose peer has said so much at 0.
    private func passive() -> Server {
        var server = Server(.backup)
        server.tick(at: .at(0))
        server.hear(.extended(.active, seat: .primary, sequence: 1, term: 2, echo: server.echo()), at: .at(0))
        server.tick(at: .at(0))
        return server
    }

    private func news(
        _ role: Role, incarnation: UInt64 = 77, sequence: UInt64, echo: HeartbeatExtension.Echo? = nil
    ) -> Heartbeat {
        .extended(role, seat: .primary, incarnation: incarnation, sequence: sequence, term: 2, echo: echo)
    }

    @Test func newestOfTwoLinksCountsOnce() {
        var server = passive()
        server.run(until: .at(100))
        server.hear(news(.active, sequence: 2), at: .at(100))
        let expiry = server.member.peerExpiry
        server.run(until: .at(160))
        #expect(server.hear(news(.active, sequence: 2), at: .at(160)) == .success(.none))
        #expect(server.member.peerExpiry == expiry)
        #expect(server.rejections.isEmpty)
        #expect(server.hear(news(.active, sequence: 1), at: .at(160)) == .success(.none))
        #expect(server.rejections.isEmpty)
        #expect(server.member.peerExpiry == expiry)
    }

    @Test("What was overtaken and did not come before is stale; a copy of what did is not worth a warning")
    func overtaken() {
        var server = passive()
        server.run(until: .at(100))
        server.hear(news(.active, sequence: 70), at: .at(100))
        server.hear(news(.active, sequence: 72), at: .at(101))
        let expiry = server.member.peerExpiry
        #expect(server.hear(news(.passive, sequence: 70), at: .at(110)) == .success(.none))
        for sequence in [71, 69, 8, 1] as [UInt64] {
            #expect(server.hear(news(.passive, sequence: sequence), at: .at(110)) == .failure(.stale))
        }
        #expect(server.member.peerExpiry == expiry)
        #expect(server.member.peer.role == .active)
    }

    @Test func allRememberedLivesAreStale() {
        var server = Server(.primary)
        for life in 1...8 as ClosedRange<UInt64> {
            server.hear(.extended(.backup, seat: .backup, incarnation: 10 + life, sequence: 5), at: .at(Int64(life)))
        }
        for life in 1...7 as ClosedRange<UInt64> {
            let heartbeat = Heartbeat.extended(.active, seat: .backup, incarnation: 10 + life, sequence: 6)
            #expect(server.hear(heartbeat, at: .at(50)) == .failure(.stale))
        }
        #expect(server.member.role == .primary)
    }

    @Test(
        "To become active on the peer's word takes a fresh word: younger than a lease",
        arguments: [(0, true), (100, true), (199, true), (200, false), (300, false)] as [(Int64, Bool)])
    func ageOfAWord(age: Int64, counts: Bool) {
        var server = passive()
        let echo = server.echo()
        server.run(until: .at(age))
        server.hear(news(.primary, incarnation: 78, sequence: 1, echo: echo), at: .at(age))
        #expect(server.member.role == (counts ? .active : .passive))
    }

    @Test("An echo of another life of ours proves nothing")
    func echoOfAnotherLife() {
        var server = passive()
        for (incarnation, sequence) in [(3, 1), (2, 0), (2, 99), (2, .max)] as [(UInt64, UInt64)] {
            let echo = HeartbeatExtension.Echo(incarnation: incarnation, sequence: sequence, age: .zero)
            server.hear(news(.primary, incarnation: 78, sequence: sequence % 50 + incarnation, echo: echo), at: .at(1))
            #expect(server.member.role == .passive)
        }
    }

    @Test("A probe is answered at once")
    func probe() {
        var server = passive()
        server.run(until: .at(50))
        server.outbox = []
        server.hear(
            .extended(.active, seat: .primary, sequence: 2, term: 2, flags: .probe), at: .at(50))
        #expect(server.member.nextDeadline == .at(50))
        server.tick(at: .at(50))
        let answer = server.outbox.last?.extension
        #expect(answer?.echo == .init(incarnation: 77, sequence: 2, age: .zero))
    }

    @Test("but not more often than a few times an interval, whatever the peer asks for")
    func flood() {
        var server = passive()
        server.outbox = []
        for step in 1...100_000 as ClosedRange<Int64> {
            let now = MonotonicTime.at(0) + .microseconds(step)
            let sequence = UInt64(step) + 1
            server.hear(.extended(.active, seat: .primary, sequence: sequence, term: 2, flags: .probe), at: now)
            if server.member.nextDeadline <= now { server.tick(at: now) }
        }
        #expect((10...65).contains(server.outbox.count))
    }

    @Test("Who is not believed asks, and is believed on the answer")
    func askAndAnswer() {
        var server = passive()
        server.run(until: .at(50))
        server.outbox = []
        server.hear(news(.primary, incarnation: 78, sequence: 1), at: .at(50))
        server.tick(at: .at(50))
        #expect(server.member.role == .passive)
        #expect(server.outbox.last?.extension?.flags.contains(.probe) == true)
        server.hear(news(.primary, incarnation: 78, sequence: 2, echo: server.echo()), at: .at(52))
        #expect(server.member.role == .active)
    }

    // MARK: What does not count

    @Test("never renewing the expiry: connected to ourselves, another pair, the same seat, an older sequence")
    func rejectionsChangeNothing() {
        let bad: [(Heartbeat, HeartbeatRejection)] = [
            (.extended(.primary, seat: .primary, incarnation: 2, sequence: 9), .ownHeartbeat),
            (.extended(.primary, seat: .backup, incarnation: 5, sequence: 9), .sameSeat),
            (.extended(.primary, seat: .primary, sequence: 0), .stale),
            (Heartbeat(role: .primary), .extensionMissing),
        ]
        for (heartbeat, rejection) in bad {
            var server = passive()
            server.run(until: .at(250))
            let before = (server.member.peerExpiry, server.member.nextDeadline, server.member.term)
            #expect(server.hear(heartbeat, at: .at(250)) == .failure(rejection))
            #expect(before == (server.member.peerExpiry, server.member.nextDeadline, server.member.term))
            #expect(server.member.role == .passive)
            server.run(until: .at(300))
            #expect(server.request(at: .at(300)).isAdmission)
        }
    }

    // MARK: A peer that is taken for a classic one

    @Test("One stray digit makes no classic server of an extended one; one that restarts as classic counts later")
    func strayDigit() {
        var pair = Pair.met()
        let now = pair.now
        for seat in Seat.allCases { pair[seat].hear(.passive, at: now) }
        pair.run(for: 500)
        #expect(pair.roles == [.active, .passive])
        for seat in Seat.allCases {
            #expect(pair[seat].rejections == [.extensionMissing])
            #expect(pair[seat].member.peer.kind == .extended)
        }
        // The backup's process ends; a classic one comes in its place.
        pair.stall(.backup)
        pair.run(for: 400)
        let later = pair.now
        pair[.primary].hear(.backup, at: later)
        #expect(pair[.primary].member.peer.kind == .classic)
    }

    @Test("Two servers of ours that took each other for classic ones find out")
    func mutualMistake() {
        var pair = Pair()
        for seat in Seat.allCases { pair[seat].hear(seat.other.initialRole, at: .at(0)) }
        #expect(Seat.allCases.allSatisfy { pair[$0].member.peer.kind == .classic })
        pair.run(for: 1_000)
        #expect(Seat.allCases.allSatisfy { pair[$0].member.peer.kind == .extended })
        #expect(pair.roles == [.active, .passive])
        #expect(Seat.allCases.allSatisfy { pair[$0].conflicts.isEmpty })
    }
}
