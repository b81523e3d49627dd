import BinaryStarCore
import TestSupport
import Testing

/// The rules by which nothing wrong is taken, and nothing is sent twice that must not be.
@Suite struct PairFollowerSafetyTests {
    @Test("No reply of a lower term than was seen is taken.")
    func lowerTerm() {
        var client = Following()
        client.begin(1...2)
        client.answer(.reply, 1, by: .primary, term: 9)
        #expect(client.answer(.reply, 2, by: .primary, term: 8) == nil)
        // The request still waits, and goes to the other server.
        #expect(client.takeSent() == ["1 to primary", "2 to primary", "2 to backup"])
        #expect(client.answer(.reply, 2, by: .primary, term: 8) == nil)
        #expect(client.answer(.reply, 2, by: .backup, term: 9) != nil)
        #expect(client.follower.highestTerm == 9)
    }

    @Test("A term that rises is never forgotten, whatever told of it.", arguments: ReplyHeader.Kind.allCases)
    func everyKindTellsTheTerm(kind: ReplyHeader.Kind) {
        var client = Following()
        client.begin(1...1)
        if kind == .notice {
            client.notice(.passive, by: .primary, term: 9)
        } else {
            client.answer(kind, 1, by: .primary, term: 9)
        }
        #expect(client.follower.highestTerm == 9)
        client.begin(2...2)
        #expect(client.answer(.reply, 2, by: .backup, term: 8) == nil)
        #expect(client.follower.highestTerm == 9)
    }

    @Test("What answers an earlier attempt moves nobody.")
    func staleRefusal() {
        var client = Following()
        client.begin(1...1)
        client.answer(.refusal, 1, by: .primary, term: 7, role: .primary)
        client.answer(.refusal, 1, by: .backup, term: 7, role: .backup)
        client.wait(.milliseconds(10))
        #expect(client.follower.following == .primary)
        let turns = client.turns
        // A copy of the first one, while the third attempt is on its way to the same server.
        client.answer(.refusal, 1, by: .primary, term: 7, role: .primary, attempt: 1)
        #expect(client.follower.following == .primary)
        #expect(client.turns == turns)
        #expect(client.answer(.reply, 1, by: .primary, term: 8) != nil)
    }

    @Test("What comes from the server that was left moves nobody.")
    func lateRefusalOfTheOtherServer() {
        var client = Following()
        client.begin(1...2)
        client.answer(.refusal, 1, by: .primary, term: 7)
        client.answer(.refusal, 2, by: .primary, term: 7, attempt: 1)
        client.answer(.refusal, 2, by: .primary, term: 7, attempt: 2)
        #expect(client.follower.following == .backup)
        #expect(client.turns == 1)
    }

    @Test("A refusal of what was given up says nothing of what waits.")
    func refusalOfWhatWasGivenUp() {
        var client = Following()
        client.begin(1...2)
        #expect(client.follower.cancel(1, at: client.now) != nil)
        client.answer(.refusal, 1, by: .primary, term: 7)
        #expect(client.follower.following == .primary)
    }

    @Test("A late reply of the server that was left is taken, if its term is not lower.")
    func lateReply() {
        var client = Following()
        client.begin(1...1)
        client.wait(.seconds(3))
        #expect(client.follower.following == .backup)
        #expect(client.answer(.reply, 1, by: .primary, term: 7) != nil)
    }

    @Test("A second reply is for nobody.")
    func duplicates() {
        var client = Following()
        client.begin(1...1)
        #expect(client.answer(.reply, 1, by: .primary, term: 7) != nil)
        #expect(client.answer(.reply, 1, by: .primary, term: 7) == nil)
        #expect(client.answer(.reply, 99, by: .primary, term: 7) == nil)
        #expect(client.follower.count == 0)
    }

    // MARK: Once

    @Test(
        "A request that must be sent once only is sent again only after a refusal, which says that it was not handled.")
    func onceIsSentAgainAfterARefusal() {
        var client = Following()
        client.begin(1...1, isOnce: true)
        client.answer(.refusal, 1, by: .primary, term: 7)
        #expect(client.takeSent() == ["1 to primary", "1 to backup"])
        #expect(client.answer(.reply, 1, by: .backup, term: 8) != nil)
    }

    @Test func onceHasAnUnknownOutcomeWhenTheConnectionBreaks() {
        var client = Following()
        client.begin(1...1, isOnce: true)
        client.lost(.primary)
        #expect(client.takeSent() == ["1 to primary"])
        #expect(client.failures == [.unknownOutcome])
    }

    @Test func onceStaysWhereItIsWhenOthersMove() {
        var client = Following()
        client.begin(1...1, isOnce: true)
        client.begin(2...3)
        client.answer(.refusal, 2, by: .primary, term: 7)
        #expect(
            client.takeSent() == ["1 to primary", "2 to primary", "3 to primary", "2 to backup", "3 to backup"])
        // Its own refusal comes too.
        client.answer(.refusal, 1, by: .primary, term: 7)
        #expect(client.takeSent() == ["1 to backup"])
    }

    @Test func onceWaitsForAServerThatIsSilent() {
        var client = Following()
        client.begin(1...1, timeout: .seconds(5), isOnce: true)
        client.wait(.seconds(4))
        #expect(client.takeSent() == ["1 to primary"])
        // Nor is its connection given up, over which its reply may come yet.
        #expect(client.failures.isEmpty)
        client.wait(.seconds(2))
        #expect(client.failures == [.unknownOutcome])
    }

    @Test func onceGetsTheLateReplyOfAServerThatWasSilent() {
        var client = Following()
        client.begin(1...1, timeout: .seconds(5), isOnce: true)
        client.begin(2...2, timeout: .seconds(5))
        // Longer than the settle delay, after which the other server gets what may be moved.
        client.wait(.seconds(4))
        #expect(client.takeSent().filter { $0.hasPrefix("1") } == ["1 to primary"])
        #expect(client.answer(.reply, 1, by: .primary, term: 7) != nil)
    }

    @Test func onceIsNotSentAgainWhenItIsOverdueWhileOthersAreAnswered() {
        var client = Following()
        client.begin(1...1, timeout: .seconds(60), isOnce: true)
        client.begin(2...2, timeout: .seconds(60))
        for number in 3...12 as ClosedRange<UInt64> {
            client.begin(number...number, timeout: .seconds(60))
            #expect(client.answer(.reply, number, by: .primary, term: 7) != nil)
            client.wait(.milliseconds(400))
        }
        let sent = client.takeSent()
        #expect(sent.filter { $0 == "1 to primary" }.count == 1 && !sent.contains("1 to backup"))
        #expect(sent.filter { $0 == "2 to primary" }.count > 1)
        #expect(client.failures.isEmpty)
    }

    @Test func onceThatWasNeverSentHasAKnownOutcome() {
        var client = Following()
        client.lost(.primary)
        client.lost(.backup)
        client.begin(1...1, timeout: .seconds(5), isOnce: true)
        client.wait(.seconds(6))
        #expect(client.failures == [.timedOut])
    }

    @Test("A request whose time is over when its server can be reached is not sent.")
    func overdueWhenTheConnectionIsThere() {
        var client = Following(isConnected: false)
        client.begin(1...1, timeout: .seconds(5), isOnce: true)
        client.begin(2...2, timeout: .seconds(9))
        client.now = client.now + .seconds(6)
        client.connected(.primary)
        #expect(client.sent.map(\.number) == [2])
        client.wait(.zero)
        #expect(client.failures == [.timedOut])
    }

    @Test func onceHasAnUnknownOutcomeAfterAReplyFromThePast() {
        var client = Following()
        client.begin(1...1)
        client.answer(.reply, 1, by: .primary, term: 9)
        client.begin(2...2, isOnce: true)
        #expect(client.answer(.reply, 2, by: .primary, term: 8) == nil)
        #expect(client.failures == [.unknownOutcome])
    }

    // MARK: Bounds

    @Test("Further requests wait, in the order in which they were begun.")
    func maximumInFlight() {
        var client = Following(maximumInFlight: 2)
        client.begin(1...5)
        #expect(client.takeSent() == ["1 to primary", "2 to primary"])
        client.answer(.reply, 2, by: .primary, term: 4)
        #expect(client.takeSent() == ["3 to primary"])
        // One that is given up makes room at once, and one that waits is skipped.
        _ = client.follower.cancel(4, at: client.now)
        _ = client.follower.cancel(1, at: client.now)
        client.settle()
        #expect(client.takeSent() == ["5 to primary"])
    }

    @Test func aRequestFailsAtItsDeadline() {
        var client = Following()
        client.begin(1...1, timeout: .milliseconds(300))
        client.begin(2...2, timeout: .milliseconds(100))
        client.wait(.milliseconds(200))
        #expect(client.failures == [.timedOut])
        client.wait(.milliseconds(200))
        #expect(client.failures == [.timedOut, .timedOut])
        #expect(client.follower.nextDeadline == nil)
    }

    @Test("A plain server gets one request at a time, and a new connection after one that was given up.")
    func plain() {
        var client = Following(isPlain: true)
        client.begin(1...2)
        #expect(client.takeSent() == ["1 to primary"])
        #expect(client.follower.onlyInFlight(at: .primary) == 1)
        _ = client.follower.cancel(1, at: client.now)
        client.settle()
        #expect(client.actions == [.reconnect(.primary)])
        #expect(client.takeSent() == ["2 to primary"])
        #expect(client.follower.onlyInFlight(at: .primary) == 2)
    }

}

/// Random events, whatever comes: the books are right, no request is answered twice, and what is once is sent once.
@Suite struct PairFollowerRandomTests {
    private struct Request {
        var isOnce: Bool
        var lastSent: PairFollower.Sending?
        var mayBeSent = true
    }

    @Test(arguments: [1, 40, 10_000])
    func random(maximumInFlight: Int) {
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        var client = Following(maximumInFlight: maximumInFlight, seed: generator.next())
        var requests: [UInt64: Request] = [:]
        var last: UInt64 = 0
        for _ in 0..<50_000 {
            let seat: Seat = Bool.random(using: &generator) ? .primary : .backup
            let number = requests.keys.randomElement(using: &generator) ?? last
            let attempt = requests[number]?.lastSent?.attempt ?? 1
            let term = client.follower.highestTerm
            switch Int.random(in: 0..<12, using: &generator) {
            case 0...2 where requests.count < 100:
                last += 1
                let isOnce = Int.random(in: 0..<4, using: &generator) == 0
                requests[last] = Request(isOnce: isOnce)
                client.begin(
                    last...last, timeout: .milliseconds(.random(in: 1...3_000, using: &generator)), isOnce: isOnce)
            case 3...5:
                let isLower = term > 0 && Bool.random(using: &generator)
                let replyTerm = isLower ? term - 1 : term + .random(in: 0...1, using: &generator)
                let delivery = client.answer(.reply, number, by: seat, term: replyTerm, attempt: attempt)
                #expect(delivery == nil || !isLower)
                // Only of one that was sent, and once.
                if delivery != nil { #expect(requests.removeValue(forKey: number)?.lastSent != nil) }
            case 6:
                if requests[number]?.lastSent?.seat == seat { requests[number]?.mayBeSent = true }
                client.answer(.refusal, number, by: seat, term: term, attempt: attempt)
            case 7: client.notice(Role.allCases.randomElement(using: &generator) ?? .active, by: seat, term: term)
            case 8: client.lost(seat)
            case 9: client.connected(seat)
            case 10:
                let slot = client.follower.cancel(number, at: client.now)
                #expect((slot != nil) == (requests.removeValue(forKey: number) != nil))
                client.settle()
            default: client.wait(.milliseconds(.random(in: 0...50, using: &generator)))
            }
            for sending in client.sent {
                guard let request = requests[sending.number] else { continue }
                if request.isOnce { #expect(request.mayBeSent) }
                requests[sending.number]?.mayBeSent = false
                requests[sending.number]?.lastSent = sending
            }
            requests = requests.filter { client.follower.slot(of: $0.key) != nil }
            #expect(client.follower.count == requests.count)
            (client.sent, client.actions) = ([], [])
        }
    }
}
