import BinaryStarCore
import TestSupport
import Testing

/// Times are milliseconds after the start, which is not the clock's zero.
@Suite struct PairMemberTests {
    private static let timing = HeartbeatTiming(interval: .milliseconds(100), timeout: .milliseconds(300))

    private func at(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: 7_000_000_000 + milliseconds * 1_000_000)
    }

    private func member(_ seat: Seat = .primary) -> PairMember {
        PairMember(seat: seat, timing: Self.timing, now: at(0))
    }

    private func member(in role: Role, at now: MonotonicTime) -> PairMember {
        switch role {
        case .primary: return member(.primary)
        case .backup: return member(.backup)
        case .active:
            var member = member(.primary)
            _ = member.receive(Heartbeat(role: .backup), at: now)
            return member
        case .passive:
            var member = member(.backup)
            _ = member.receive(Heartbeat(role: .active), at: now)
            return member
        }
    }

    // MARK: Schedule

    @Test func firstHeartbeatIsDueAtOnce() {
        var member = member()
        #expect(member.nextDeadline == at(0))
        #expect(member.tick(at: at(0)) == .heartbeat)
        #expect(member.nextDeadline == at(100))
    }

    @Test func nothingIsDueBeforeItsTime() {
        var member = member()
        _ = member.tick(at: at(0))
        #expect(member.tick(at: at(99)) == [])
        #expect(member.nextDeadline == at(100))
        #expect(member.tick(at: at(100)) == .heartbeat)
    }

    @Test func intervalDoesNotDrift() {
        var member = member(in: .active, at: at(0))
        var published: [Int64] = []
        for beat in 0..<100 as Range<Int64> {
            // Each turn comes 7 ms late.
            let now = beat * 100 + 7
            _ = member.receive(Heartbeat(role: .passive), at: at(now))
            if member.tick(at: at(now)).contains(.heartbeat) { published.append(now) }
            #expect(member.nextDeadline == at((beat + 1) * 100))
        }
        #expect(published.count == 100)
    }

    @Test(arguments: [101, 1_000, 86_400_000] as [Int64])
    func noBurstAfterAStall(stall: Int64) {
        var member = member()
        _ = member.tick(at: at(0))
        #expect(member.tick(at: at(stall + 100)).contains(.heartbeat))
        #expect(!member.tick(at: at(stall + 100)).contains(.heartbeat))
        #expect(!member.tick(at: at(stall + 101)).contains(.heartbeat))
        #expect(member.nextDeadline > at(stall + 100))
        #expect(member.nextDeadline <= at(stall + 200))
    }

    @Test func changeByThePeerIsPublishedAtOnce() {
        var member = member(.primary)
        _ = member.tick(at: at(0))
        #expect(member.receive(Heartbeat(role: .backup), at: at(42)) == .roleChanged(from: .primary, to: .active))
        #expect(member.nextDeadline == at(42))
        #expect(member.tick(at: at(42)) == .heartbeat)
        #expect(member.nextDeadline == at(142))
    }

    @Test func changeByAVoteIsPublishedAtOnce() {
        var member = member(.primary)
        _ = member.tick(at: at(0))
        _ = member.tick(at: at(350))
        #expect(member.requestArrived(at: at(351)) == .promoteAndAdmit(from: .primary))
        #expect(member.nextDeadline == at(351))
        #expect(member.tick(at: at(351)).contains(.heartbeat))
    }

    @Test func heartbeatThatChangesNothingLeavesTheSchedule() {
        var member = member(.primary)
        _ = member.tick(at: at(0))
        #expect(member.receive(Heartbeat(role: .primary), at: at(42)) == .none)
        #expect(member.nextDeadline == at(100))
    }

    // MARK: Expiry

    @Test("At start the peer counts as alive for one timeout")
    func peerCountsAsAliveAtStart() {
        var member = member(.primary)
        #expect(member.peerExpiry == at(300))
        #expect(member.lastHeard == nil)
        #expect(member.requestArrived(at: at(0)) == .refuse)
        #expect(member.requestArrived(at: at(299)) == .refuse)
        #expect(member.role == .primary)
        #expect(member.requestArrived(at: at(300)) == .promoteAndAdmit(from: .primary))
        #expect(member.role == .active)
    }

    @Test("The instant from which on the silent peer counts as gone")
    func requestExactlyAtExpiryIsAVote() {
        var member = member(in: .passive, at: at(1_000))
        #expect(!member.isPeerExpired(at: MonotonicTime(nanoseconds: at(1_300).nanoseconds - 1)))
        #expect(member.requestArrived(at: MonotonicTime(nanoseconds: at(1_300).nanoseconds - 1)) == .refuse)
        #expect(member.isPeerExpired(at: at(1_300)))
        #expect(member.requestArrived(at: at(1_300)) == .promoteAndAdmit(from: .passive))
        #expect(member.requestArrived(at: at(1_301)) == .admit)
    }

    @Test("A valid heartbeat renews the expiry before it is applied", arguments: Role.allCases, Role.allCases)
    func everyValidHeartbeatRenewsTheExpiry(role: Role, peer: Role) {
        var member = member(in: role, at: at(0))
        // Long after the expiry.
        _ = member.receive(Heartbeat(role: peer), at: at(5_000))
        #expect(member.peerExpiry == at(5_300))
        #expect(member.lastHeard == at(5_000))
        #expect(!member.isPeerExpired(at: at(5_299)))
    }

    @Test func lateHeartbeatOfTheActiveKeepsThePassiveFromServing() {
        var member = member(in: .passive, at: at(0))
        #expect(member.isPeerExpired(at: at(400)))
        #expect(member.receive(Heartbeat(role: .active), at: at(400)) == .none)
        #expect(member.requestArrived(at: at(400)) == .refuse)
        #expect(member.requestArrived(at: at(699)) == .refuse)
        #expect(member.requestArrived(at: at(700)) == .promoteAndAdmit(from: .passive))
    }

    @Test func requestsDoNotRenewTheExpiry() {
        var member = member(in: .passive, at: at(0))
        for now in 0..<300 as Range<Int64> { #expect(member.requestArrived(at: at(now)) == .refuse) }
        #expect(member.peerExpiry == at(300))
    }

    @Test func timeAloneChangesNoRole() {
        for role in Role.allCases {
            var member = member(in: role, at: at(0))
            for step in 1...1_000 as ClosedRange<Int64> { _ = member.tick(at: at(step * 50)) }
            #expect(member.role == role)
        }
    }

    @Test func backupThatHasNeverMetItsPeerRefusesForEver() {
        var member = member(.backup)
        #expect(member.requestArrived(at: at(86_400_000)) == .refuse)
        #expect(member.role == .backup)
    }

    @Test func conflicts() {
        var active = member(in: .active, at: at(0))
        #expect(active.receive(Heartbeat(role: .active), at: at(1)) == .conflict(.dualActive))
        var passive = member(in: .passive, at: at(0))
        #expect(passive.receive(Heartbeat(role: .passive), at: at(1)) == .conflict(.dualPassive))
    }

    // MARK: Relink

    @Test func silentPeerIsConnectedAnewOnceATimeoutButNotMoreThanOnceASecond() {
        var member = member()
        var relinks: [Int64] = []
        for now in 0...3_000 as ClosedRange<Int64> where member.tick(at: at(now)).contains(.relink) {
            relinks.append(now)
        }
        #expect(relinks == [300, 1_300, 2_300])
    }

    @Test func longTimeoutIsTheRelinkPeriod() {
        let timing = HeartbeatTiming(interval: .seconds(1), timeout: .seconds(2))
        var member = PairMember(seat: .primary, timing: timing, now: at(0))
        var relinks: [Int64] = []
        for second in 0...10 as ClosedRange<Int64> where member.tick(at: at(second * 1_000)).contains(.relink) {
            relinks.append(second)
        }
        #expect(relinks == [2, 4, 6, 8, 10])
    }

    @Test func heartbeatPutsTheRelinkOff() {
        var member = member()
        for now in stride(from: 0, through: 2_000, by: 100) as StrideThrough<Int64> {
            _ = member.receive(Heartbeat(role: .primary), at: at(now))
            #expect(!member.tick(at: at(now)).contains(.relink))
        }
        #expect(member.tick(at: at(2_300)).contains(.relink))
    }

    // MARK: The driver's contract

    @Test("Call tick no later than nextDeadline", arguments: Seat.allCases)
    func deadlineIsAlwaysAheadOfATick(seat: Seat) {
        var member = member(seat)
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        var now = at(0)
        for _ in 0..<10_000 {
            now = now + .microseconds(Int64.random(in: 0...200_000, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: _ = member.requestArrived(at: now)
            case 1: _ = member.receive(Heartbeat(role: .allCases.randomElement(using: &generator)!), at: now)
            default: break
            }
            _ = member.tick(at: now)
            #expect(member.nextDeadline > now)
            #expect(member.nextDeadline <= now + Self.timing.interval)
        }
    }
}
