import Testing

@testable import BinaryStarCore

/// What goes wrong with the zguide's reactor: shown on a model of it, and then shown gone with servers of ours.
@Suite struct ClassicDefectsTests {
    /// A classic pair that has met, with its last heartbeats said at 0.
    private func classicPair() -> (primary: ClassicServer, backup: ClassicServer) {
        let (primary, backup) = (ClassicServer(.primary), ClassicServer(.backup))
        primary.hear(backup.state, at: .at(0))
        backup.hear(primary.state, at: .at(0))
        primary.hear(backup.state, at: .at(0))
        return (primary, backup)
    }

    /// Requests at both servers every millisecond.
    private func runUnderLoad(_ pair: inout Pair, for milliseconds: Int) {
        pair.run(for: milliseconds) { pair in
            for seat in Seat.allCases where !pair.stalled.contains(seat) { pair.request(seat) }
        }
    }

    // MARK: Dual active ends both

    @Test func modelDualActiveAfterAStall() {
        let (primary, backup) = classicPair()
        #expect(primary.role == .active && backup.role == .passive)
        // The primary stalls for longer than the timeout, and one client asks the backup.
        #expect(backup.request(at: .at(400)))
        primary.hear(backup.state, at: .at(401))
        backup.hear("3", at: .at(401))
        #expect(primary.hasAborted && backup.hasAborted)
    }

    @Test("Dual active after a stall of the active and one request: ours go on")
    func dualActiveAfterAStall() {
        var pair = Pair.met()
        pair.stall(.primary)
        pair.run(for: 400)
        #expect(pair.request(.backup).isAdmission)
        pair.resume(.primary)
        runUnderLoad(&pair, for: 500)
        #expect(pair.roles == [.passive, .active])
        #expect(pair[.primary].conflicts.isEmpty && pair[.backup].conflicts.isEmpty)
        #expect(pair.lateAdmissions.isEmpty)
    }

    @Test func modelDualActiveAfterAPartition() {
        let (primary, backup) = classicPair()
        #expect(primary.request(at: .at(400)) && backup.request(at: .at(400)))
        let (fromPrimary, fromBackup) = (primary.state, backup.state)
        primary.hear(fromBackup, at: .at(500))
        backup.hear(fromPrimary, at: .at(500))
        #expect(primary.hasAborted && backup.hasAborted)
    }

    @Test("Dual active after a partition with clients on both sides: the higher term stays", arguments: [1, 40])
    func dualActiveAfterAPartition(delay: Int) {
        var pair = Pair.met()
        pair.delay = .milliseconds(delay)
        pair.muted = [.primary, .backup]
        runUnderLoad(&pair, for: 1_000)
        #expect(pair.roles == [.active, .active])
        let terms = Seat.allCases.map { pair[$0].member.term }
        #expect(terms[1] > terms[0])
        pair.muted = []
        // The next heartbeat and one round trip.
        runUnderLoad(&pair, for: 100 + 2 * delay + 2)
        #expect(pair.roles == [.passive, .active])
        #expect(pair[.backup].member.term == terms[1])
        #expect(pair[.primary].conflicts.isEmpty && pair[.backup].conflicts.isEmpty)
    }

    // MARK: A resumed active serves on

    @Test func modelResumedActiveServesItsQueue() {
        let (primary, backup) = classicPair()
        #expect(backup.request(at: .at(400)))
        // The resumed primary reads its clients' socket first.
        #expect(primary.request(at: .at(401)))
        #expect(primary.request(at: .at(401)))
        #expect(primary.served == 2)
    }

    @Test("A resumed active serves nothing that waited, whatever the stall", arguments: [201, 250, 300, 400, 5_000])
    func resumedActiveServesNothing(stall: Int) {
        var pair = Pair.met()
        pair.stall(.primary)
        pair.run(for: stall) { pair in pair.request(.backup) }
        pair.resume(.primary)
        let now = pair.now
        // All of its clients' queue, before it reads what its peer has said.
        for _ in 0..<10 {
            let action = pair[.primary].request(at: now)
            #expect(action == .hold)
        }
        let mayReply = pair[.primary].member.mayReply(at: now)
        #expect(!mayReply)
        pair.run(for: 20)
        let tookOver = pair[.backup].member.role == .active
        #expect(tookOver == (stall > 201))
        #expect(pair.roles == (tookOver ? [.passive, .active] : [.active, .passive]))
        #expect(pair[.primary].heldRequests == [tookOver ? .refuse : .serve])
        #expect(pair.lateAdmissions.isEmpty)
    }

    // MARK: The passive's own stall

    @Test func modelStalledPassivePromotesItself() {
        let (primary, backup) = classicPair()
        #expect(primary.request(at: .at(399)))
        // The primary has said `3` all the time; the resumed backup reads a request first.
        #expect(backup.request(at: .at(400)))
        #expect(primary.role == .active && backup.role == .active)
    }

    @Test(
        "A passive that stalled does not take over from a healthy active",
        arguments: [101, 150, 299, 300, 301, 5_000])
    func stalledPassive(stall: Int) {
        var pair = Pair.met()
        pair.stall(.backup)
        pair.run(for: stall)
        pair.resume(.backup)
        #expect(!pair.request(.backup).isAdmission)
        runUnderLoad(&pair, for: 1_000)
        #expect(pair.roles == [.active, .passive])
        #expect(pair[.backup].transitions.count == 1)
    }

    // MARK: Old heartbeats

    @Test func modelOldHeartbeats() {
        let (primary, backup) = classicPair()
        // Said at 10, and read at 10,000 from a server that is gone: alive for a timeout more.
        backup.hear("3", at: .at(10_000))
        #expect(!backup.request(at: .at(10_299)))
        // Said when the primary started again; since then it has become active by a request.
        backup.hear("1", at: .at(10_300))
        #expect(backup.role == .active)
        #expect(primary.request(at: .at(10_300)))
    }

    @Test("A heartbeat that was overtaken is stale, and never renews the expiry")
    func overtakenHeartbeat() {
        var server = Server(.backup)
        server.hear(.extended(.active, seat: .primary, sequence: 9), at: .at(10))
        server.run(until: .at(200))
        #expect(server.hear(.extended(.active, seat: .primary, sequence: 8), at: .at(200)) == .failure(.stale))
        #expect(server.member.peerExpiry == .at(310))
        server.run(until: .at(310))
        #expect(server.request(at: .at(310)).isAdmission)
    }

    @Test("An old `peer primary` in the queue does not promote a passive against a healthy active")
    func oldWordInTheQueue() {
        var pair = Pair.met()
        // The primary starts again while its words are not read, and is voted in after a timeout.
        pair.stall(.backup)
        pair.restart(.primary)
        pair.run(for: 2_000) { pair in pair.request(.primary) }
        #expect(pair.roles == [.active, .passive])
        pair.resume(.backup)
        let words = pair[.backup].inbox.map(\.role)
        #expect(words.first == .primary && words.last == .active)
        // It reads them one by one, each in a turn of its own.
        let inbox = pair[.backup].inbox
        pair[.backup].inbox = []
        for heartbeat in inbox {
            let now = pair.now
            pair[.backup].hear(heartbeat, at: now)
            #expect(pair[.backup].member.role == .passive)
        }
        runUnderLoad(&pair, for: 1_000)
        #expect(pair.roles == [.active, .passive])
        #expect(pair.lateAdmissions.isEmpty)
    }

    // MARK: A backup that boots alone

    @Test func modelLoneBackupRefusesForEver() {
        let backup = ClassicServer(.backup)
        for hour in 0..<24 as Range<Int64> { #expect(!backup.request(at: .at(hour * 3_600_000))) }
    }

    @Test("A backup never becomes active alone, unless it is told so: by default, by `coldStart`, by an operator")
    func loneBackup() {
        var plain = Server(.backup)
        plain.run(until: .at(3_600_000))
        #expect(plain.request(at: .at(3_600_000)) == .refuse)
        let promoted = plain.member.promote(at: .at(3_600_000))
        #expect((try? promoted.get())?.transition?.cause == .promote)
        #expect(plain.request(at: .at(3_600_000)) == .admit)

        var patient = Server(
            .init(seat: .backup, timing: .brisk, coldStart: .after(.seconds(60))), incarnation: 2)
        patient.run(until: .at(59_999))
        #expect(patient.request(at: .at(59_999)) == .refuse)
        #expect(patient.request(at: .at(60_000)).isAdmission)
    }

    // MARK: Dual passive ends both

    @Test func modelDualPassive() {
        let (_, backup) = classicPair()
        // An operator restarts the primary, which meets the passive backup's old `3` and turns passive.
        let primary = ClassicServer(.primary, now: .at(100))
        primary.hear("3", at: .at(101))
        let (fromPrimary, fromBackup) = (primary.state, backup.state)
        primary.hear(fromBackup, at: .at(200))
        backup.hear(fromPrimary, at: .at(200))
        #expect(primary.hasAborted && backup.hasAborted)
    }

    @Test("Dual passive heals by the same move: both take their seats again")
    func dualPassive() {
        var pair = Pair.met()
        // Both were active, with terms that make each give way to the other's.
        for seat in Seat.allCases {
            let now = pair.now
            _ = pair[seat].member.become(.passive, .superseded, at: now)
        }
        #expect(pair.roles == [.passive, .passive])
        pair.run(for: 300)
        #expect(pair.roles.sorted { $0.rawValue < $1.rawValue } == [.active, .passive])
        #expect(pair[.primary].conflicts.isEmpty && pair[.backup].conflicts.isEmpty)
        #expect(Seat.allCases.contains { pair[$0].transitions.contains { $0.cause == .dualPassive } })
        runUnderLoad(&pair, for: 500)
        #expect(pair.lateAdmissions.isEmpty)
    }

    // MARK: Frames that are no role

    @Test func modelFramesThatAreNoRole() {
        var (_, backup) = classicPair()
        backup.hear("5", at: .at(10))
        #expect(backup.hasAborted)
        backup = classicPair().backup
        // The second frame is a role of its own.
        backup.hear("3", "4", at: .at(10))
        #expect(backup.hasAborted)
        backup = classicPair().backup
        // Nobody's word, again and again: the backup never takes over.
        for step in 0..<100 as Range<Int64> { backup.hear("garbage", at: .at(step * 100)) }
        #expect(!backup.request(at: .at(10_000)))
    }

    @Test(
        "A `5`, a numeric second frame and what is no number do not count",
        arguments: [["5"], ["3", "4"], ["garbage"]])
    func framesThatAreNoRole(frames: [String]) {
        switch decodeFrames(frames.map { Array($0.utf8) }) {
        case .success(let heartbeat): Issue.record("\(frames) is read as \(heartbeat)")
        case .failure(let rejection): #expect([.notARole, .extensionIsNumeric].contains(rejection))
        }
    }

    @Test("To a classic server our heartbeat is the role and nothing else")
    func ourHeartbeatIsHarmlessToAClassicServer() {
        var server = Server(.primary)
        server.tick(at: .at(0))
        let frames = server.outbox[0].frames.map { String(decoding: $0, as: UTF8.self) }
        #expect(frames.count == 2)
        let classic = ClassicServer(.backup)
        classic.hear(frames[0], frames[1], at: .at(1))
        #expect(classic.role == .backup && !classic.hasAborted)
        classic.hear("3", frames[1], at: .at(2))
        #expect(classic.role == .passive && !classic.hasAborted)
    }
}
