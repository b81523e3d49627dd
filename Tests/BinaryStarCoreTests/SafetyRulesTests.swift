import BinaryStarCore
import Testing

/// Two servers of ours: what the rules say of them, one by one.
@Suite struct SafetyRulesTests {
    /// Requests at both servers every few milliseconds, whatever their roles.
    private func runUnderLoad(_ pair: inout Pair, for milliseconds: Int) {
        pair.run(for: milliseconds) { pair in
            for seat in Seat.allCases where !pair.stalled.contains(seat) { pair.request(seat) }
        }
    }

    @Test("No server admits a request after the other has become active: a stall of the active")
    func stallOfTheActive() {
        var pair = Pair.met()
        runUnderLoad(&pair, for: 100)
        pair.stall(.primary)
        runUnderLoad(&pair, for: 1_000)
        #expect(pair.roles == [.active, .active])
        pair.resume(.primary)
        runUnderLoad(&pair, for: 500)
        #expect(pair.roles == [.passive, .active])
        #expect(pair.lateAdmissions.isEmpty)
        #expect(pair[.primary].transitions.last?.cause == .superseded)
        #expect(pair[.primary].conflicts.isEmpty && pair[.backup].conflicts.isEmpty)
    }

    @Test("After its own stall a server serves nothing until it knows that its peer did not take over")
    func shortStall() {
        var pair = Pair.met()
        pair.stall(.primary)
        pair.run(for: 250)
        pair.resume(.primary)
        // Before it has heard its peer.
        #expect(pair.request(.primary) == .hold)
        #expect(pair[.primary].member.isSuspect)
        pair.run(for: 10)
        #expect(!pair[.primary].member.isSuspect)
        #expect(pair[.primary].heldRequests == [.serve])
        #expect(pair.request(.primary) == .admit)
    }

    @Test func suspicionEndsByVoteWhenThePeerIsSilentForOneTimeout() {
        var pair = Pair.met()
        let term = pair[.primary].member.term
        pair.muted = [.backup]
        pair.stall(.primary)
        pair.run(for: 250)
        pair.resume(.primary)
        #expect(pair.request(.primary) == .hold)
        pair.run(for: 299)
        #expect(pair[.primary].member.isSuspect)
        pair.run(for: 5)
        #expect(!pair[.primary].member.isSuspect)
        #expect(pair[.primary].heldRequests == [.serve])
        #expect(pair[.primary].member.term > term)
    }

    @Test("A stalled passive counts its peer as alive for a whole timeout from now")
    func stallOfThePassive() {
        for stall in [150, 350, 5_000] {
            var pair = Pair.met()
            pair.stall(.backup)
            pair.run(for: stall)
            pair.resume(.backup)
            // Its network is late, and the vote is first.
            #expect(!pair.request(.backup).isAdmission, "stall of \(stall) ms")
            runUnderLoad(&pair, for: 1_000)
            #expect(pair.roles == [.active, .passive], "stall of \(stall) ms")
        }
    }

    @Test("After a partition that made both active, the higher term stays and the lower goes passive. Nobody aborts.")
    func partition() {
        var pair = Pair.met()
        pair.muted = [.primary, .backup]
        runUnderLoad(&pair, for: 1_000)
        #expect(pair.roles == [.active, .active])
        pair.muted = []
        // One interval until the next heartbeat, and one round trip.
        runUnderLoad(&pair, for: 105)
        #expect(pair.roles == [.passive, .active])
        #expect(pair[.backup].member.term > pair[.primary].transitions[0].term)
        #expect(pair[.primary].conflicts.isEmpty && pair[.backup].conflicts.isEmpty)
    }

    @Test("A restarted server that finds an active peer goes passive and stays so", arguments: [5, 100, 2_000])
    func noFailback(downtime: Int) {
        var pair = Pair.met()
        pair.stall(.primary)
        runUnderLoad(&pair, for: downtime)
        pair.restart(.primary)
        runUnderLoad(&pair, for: 3_000)
        #expect(pair.roles == [.passive, .active])
        #expect(pair.lateAdmissions.isEmpty)
    }

    @Test func handover() throws {
        var pair = Pair.met()
        let term = pair[.primary].member.term
        _ = try pair.stepDown(.primary).get()
        // To the peer and back.
        pair.run(for: 2)
        #expect(pair.roles == [.passive, .active])
        #expect(pair[.backup].member.term > term)
        #expect(!pair[.primary].member.isHandingOver)
        runUnderLoad(&pair, for: 1_000)
        #expect(pair.roles == [.passive, .active])
        #expect(pair.lateAdmissions.isEmpty)
    }

    @Test("If that peer then expires before it was heard as active, we turn passive, so that votes bring us back")
    func handoverToAPeerThatDies() throws {
        var pair = Pair.met()
        pair.stall(.backup)
        _ = try pair.stepDown(.primary).get()
        #expect(pair.request(.primary) == .hold)
        pair.run(for: 310)
        #expect(pair[.primary].transitions.map(\.cause).contains(.handoverFailed))
        #expect(pair.request(.primary).isAdmission)
    }

    @Test func handoverNeedsALivePassivePeer() {
        var pair = Pair.met()
        #expect(pair.stepDown(.backup) == .failure(.notActive))
        pair.stall(.backup)
        pair.run(for: 400)
        #expect(pair.stepDown(.primary) == .failure(.noPassivePeer))
    }

    @Test("Proof of death: the peer expires at once, and a vote that waited is served")
    func proofOfDeath() {
        var pair = Pair.met()
        pair.stall(.primary)
        pair.run(for: 5)
        #expect(pair.request(.backup) == .hold)
        var reaction = PairMember.Reaction.none
        let now = pair.now
        pair[.backup].member.peerLinkBroke(at: now)
        reaction = pair[.backup].member.peerDied(at: now)
        #expect(reaction.transition?.cause == .clientRequestAfterPeerDeath)
        #expect(reaction.heldRequests == .serve)
        #expect(pair[.backup].member.role == .active)
    }

    @Test func promotion() throws {
        var backup = Server(.backup)
        backup.run(until: .at(100))
        #expect(throws: PairMember.PromoteRefusal.peerIsAlive(nil)) { try backup.member.promote(at: .at(100)).get() }
        backup.run(until: .at(300))
        #expect(try backup.member.promote(at: .at(300)).get().transition?.to == .active)
        #expect(backup.member.term % 2 == 1)
    }

    @Test func coldStart() {
        var backup = Server(
            .init(seat: .backup, timing: .brisk, coldStart: .after(.milliseconds(1_000))), incarnation: 2)
        backup.run(until: .at(999))
        #expect(backup.request(at: .at(999)) == .refuse)
        backup.run(until: .at(1_000))
        #expect(backup.request(at: .at(1_000)).isAdmission)
    }

    @Test func pausedAndUnhealthyServersDoNotTakeOver() {
        for change: (inout PairMember) -> Void in [{ $0.isPaused = true }, { $0.isHealthy = false }] {
            var pair = Pair.met()
            change(&pair[.backup].member)
            pair.stall(.primary)
            runUnderLoad(&pair, for: 2_000)
            #expect(pair[.backup].member.role == .passive)
        }
    }

    // MARK: What counts as the peer's word

    @Test("Refused, and never renewing the expiry")
    func whatDoesNotCount() {
        func rejection(_ change: (inout HeartbeatExtension) -> Void) -> HeartbeatRejection? {
            var server = Server(.primary)
            server.tick(at: .at(0))
            server.hear(.extended(.backup, seat: .backup, sequence: 5), at: .at(10))
            server.tick(at: .at(20))
            let expiry = server.member.peerExpiry
            var heartbeat = Heartbeat.extended(.backup, seat: .backup, sequence: 6)
            heartbeat.extension.map { news in
                var news = news
                change(&news)
                heartbeat.extension = news
            }
            server.hear(heartbeat, at: .at(20))
            if !server.rejections.isEmpty { #expect(server.member.peerExpiry == expiry) }
            return server.rejections.last
        }
        #expect(rejection { _ in } == nil)
        #expect(rejection { $0.pairName = "another" } == .otherPair)
        #expect(rejection { $0.incarnation = 1 } == .ownHeartbeat)
        #expect(rejection { $0.seat = .primary } == .sameSeat)
        #expect(rejection { $0.sequence = 4 } == .stale)
    }

    @Test func anEarlierLifeOfThePeerIsStale() {
        var server = Server(.primary)
        server.hear(.extended(.passive, seat: .backup, incarnation: 7, sequence: 900), at: .at(1))
        server.hear(.extended(.backup, seat: .backup, incarnation: 8, sequence: 1), at: .at(2))
        server.hear(.extended(.active, seat: .backup, incarnation: 7, sequence: 901), at: .at(3))
        #expect(server.rejections == [.stale])
        #expect(server.member.role == .primary)
    }

    @Test("An old `peer primary` in the queue does not promote a passive against a healthy active")
    func onlyAFreshWordMakesActive() {
        var server = Server(.backup)
        server.hear(.extended(.active, seat: .primary, incarnation: 7, sequence: 1), at: .at(1))
        server.tick(at: .at(1))
        // A new life that has not heard us, or has heard us long ago.
        server.hear(.extended(.primary, seat: .primary, incarnation: 8, sequence: 1), at: .at(2))
        #expect(server.member.role == .passive)
        let old = server.echo()
        server.run(until: .at(300))
        server.hear(.extended(.primary, seat: .primary, incarnation: 8, sequence: 2, echo: old), at: .at(300))
        #expect(server.member.role == .passive)
        server.run(until: .at(320))
        server.hear(.extended(.primary, seat: .primary, incarnation: 8, sequence: 3, echo: server.echo()), at: .at(320))
        #expect(server.member.role == .active)
    }

    @Test func aHigherTermOfAPassivePeerIsSurpassed() {
        var server = Server(.primary)
        server.tick(at: .at(0))
        server.hear(.extended(.backup, seat: .backup, sequence: 1, echo: server.echo()), at: .at(1))
        #expect(server.member.role == .active)
        server.tick(at: .at(1))
        server.hear(.extended(.passive, seat: .backup, sequence: 2, term: 99, echo: server.echo()), at: .at(2))
        #expect(server.member.role == .active && server.member.term == 100)
        #expect(server.transitions.last?.cause == .higherTerm)
    }

    /// An active primary beside a classic peer, behind a stall from 50 to 400.
    private func suspectBesideAClassicPeer() -> Server {
        var server = Server(.primary)
        server.hear(.backup, at: .at(0))
        server.tick(at: .at(0))
        server.hear(.passive, at: .at(50))
        let published = server.outbox.count
        server.turn(at: .at(400))
        #expect(server.member.isSuspect && server.outbox.count == published)
        return server
    }

    @Test("A suspect stays silent to a classic peer")
    func suspectAndClassicPeer() {
        var server = suspectBesideAClassicPeer()
        let published = server.outbox.count
        server.run(until: .at(480))
        #expect(server.outbox.count == published)
        // It had said that before.
        server.hear(.passive, at: .at(410))
        #expect(server.member.isSuspect)
        server.hear(.passive, at: .at(590))
        #expect(server.member.isSuspect)
        server.hear(.passive, at: .at(600))
        #expect(!server.member.isSuspect)
        server.tick(at: .at(600))
        #expect(server.outbox.count > published)
    }

    @Test("What a classic peer said during a suspect's next stall is no proof either")
    func secondStallBesideAClassicPeer() {
        var server = suspectBesideAClassicPeer()
        // It may have become active after it said this.
        server.hear(.passive, at: .at(900))
        #expect(server.member.isSuspect)
        server.run(until: .at(1_080))
        server.hear(.passive, at: .at(1_090))
        #expect(server.member.isSuspect)
        server.hear(.passive, at: .at(1_100))
        #expect(!server.member.isSuspect)
    }

    @Test("What a classic peer said before a stall is no proof behind a second one that goes unnoticed either")
    func unnoticedStallBesideAClassicPeer() {
        var server = suspectBesideAClassicPeer()
        // A heartbeat was due at 500, and less than a stall's length has passed since.
        server.hear(.passive, at: .at(599))
        #expect(server.member.isSuspect)
    }

    @Test(arguments: [ConflictPolicy.failStop, .stepDown])
    func conflictsWithAClassicPeer(policy: ConflictPolicy) {
        var active = Server(.primary, policy: policy)
        active.hear(.backup, at: .at(0))
        active.tick(at: .at(0))
        active.hear(.active, at: .at(1))
        #expect(active.conflicts == (policy == .failStop ? [.dualActive] : []))
        #expect(active.member.role == (policy == .failStop ? .active : .passive))
        var passive = Server(.backup, policy: policy)
        passive.hear(.active, at: .at(0))
        passive.hear(.passive, at: .at(1))
        #expect(passive.conflicts == (policy == .failStop ? [.dualPassive] : []))
        #expect(passive.member.role == (policy == .failStop ? .passive : .backup))
    }

    @Test("The lease ends before the peer can take over, whatever the timing on both sides")
    func leaseAndExpiry() {
        let timings = [(100, 300), (100, 200), (50, 1_000), (250, 1_000), (400, 900)].map {
            HeartbeatTiming(interval: .milliseconds($0.0), timeout: .milliseconds($0.1))
        }
        for ours in timings {
            for theirs in timings {
                var pair = Pair(
                    Server(.primary, timing: ours), Server(.backup, timing: theirs))
                pair.run(for: 3_000)
                #expect(pair.roles == [.active, .passive])
                pair.stall(.primary)
                pair.run(for: 20)
                let lease = pair[.primary].member.leaseEnd
                var lastRefusal = pair.now
                while pair[.backup].member.role == .passive, pair.now < lease + .seconds(10) {
                    lastRefusal = pair.now
                    pair.request(.backup)
                    pair.run(for: 1)
                }
                #expect(pair[.backup].member.role == .active)
                #expect(lease < lastRefusal, "\(ours) and \(theirs)")
            }
        }
    }

    @Test("A server that sees a higher term than its own suspects itself")
    func aClientKnowsAHigherTerm() {
        var pair = Pair.met()
        let now = pair.now
        #expect(pair[.primary].member.requestArrived(at: now, knowsRefusals: true, clientTerm: 99) == .hold)
        #expect(pair[.primary].member.isSuspect)
        pair.run(for: 10)
        // Its peer has said that it is not active: the term is surpassed.
        #expect(!pair[.primary].member.isSuspect)
        #expect(pair[.primary].member.term == 100)
        #expect(pair[.primary].heldRequests == [.serve])
        #expect(pair.roles == [.active, .passive])
    }
}
