import BinaryStarCore
import Testing

/// A follower with a clock, whose actions and sendings are kept as they come.
struct Following: ~Copyable {
    var follower: PairFollower
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    var actions: [PairFollower.Action] = []
    var sent: [PairFollower.Sending] = []
    private var attempts: [UInt64: Int] = [:]

    init(
        attemptTimeout: Duration = .seconds(1), settleDelay: Duration = .seconds(2), maximumInFlight: Int = 10_000,
        isPlain: Bool = false, seed: UInt64 = 1, isConnected: Bool = true
    ) {
        follower = PairFollower(
            configuration: .init(
                attemptTimeout: attemptTimeout, settleDelay: settleDelay, maximumInFlight: maximumInFlight,
                isPlain: isPlain), seed: seed)
        guard isConnected else { return }
        connected(.primary)
        connected(.backup)
    }

    /// Does what the contract says after each event. A new connection is made at once.
    mutating func settle() {
        while follower.hasActions {
            for action in follower.takeActions() {
                actions.append(action)
                if case .reconnect(let seat) = action { follower.connected(to: seat, at: now) }
            }
        }
        while let sending = follower.nextToSend(at: now) {
            sent.append(sending)
            attempts[sending.number] = sending.attempt
        }
    }

    mutating func connected(_ seat: Seat) {
        follower.connected(to: seat, at: now)
        settle()
    }

    mutating func lost(_ seat: Seat) {
        follower.lost(seat, at: now)
        settle()
    }

    mutating func begin(_ numbers: ClosedRange<UInt64>, timeout: Duration = .seconds(10), isOnce: Bool = false) {
        for number in numbers { _ = follower.add(number, deadline: now + timeout, isOnce: isOnce, at: now) }
        follower.checkSilence(at: now)
        settle()
    }

    /// Lets time pass, and calls when something is due on the way.
    mutating func wait(_ duration: Duration) {
        let end = now + duration
        while let next = follower.nextDeadline, next <= end {
            now = max(now, next)
            follower.tick(at: now)
            settle()
            guard let after = follower.nextDeadline, after <= now else { continue }
            now = now + .nanoseconds(1)
        }
        now = end
        follower.tick(at: now)
        settle()
    }

    /// What is the answer to the newest attempt of a request, or to another one.
    @discardableResult
    mutating func answer(
        _ kind: ReplyHeader.Kind, _ number: UInt64, by seat: Seat, term: UInt64, role: Role? = nil,
        attempt: Int? = nil
    ) -> PairFollower.Delivery? {
        let attempt = attempt ?? attempts[number] ?? 1
        let header = ReplyHeader(
            kind, to: RequestHeader(incarnation: 1, number: number, attempt: UInt8(truncatingIfNeeded: attempt)),
            term: term, role: role ?? (kind == .refusal ? .passive : .active))
        let delivery = follower.answered(.headed(header), by: seat, at: now)
        settle()
        return delivery
    }

    mutating func classicReply(_ number: UInt64, by seat: Seat) -> PairFollower.Delivery? {
        let delivery = follower.answered(.classic(number: number), by: seat, at: now)
        settle()
        return delivery
    }

    mutating func notice(_ role: Role, by seat: Seat, term: UInt64) {
        let header = ReplyHeader(noticeTo: 1, term: term, role: role)
        _ = follower.answered(.headed(header), by: seat, at: now)
        settle()
    }

    /// Which requests were sent where since the last call.
    mutating func takeSent() -> [String] {
        defer { sent = [] }
        return sent.map { "\($0.number) to \($0.seat)" }
    }

    var failures: [PairFollower.Failure] {
        actions.compactMap { if case .fail(_, _, let failure) = $0 { failure } else { nil } }
    }

    var turns: Int { actions.count { if case .follow = $0 { true } else { false } } }
}

/// Each test quotes the rule of ``PairFollower`` that it proves.
@Suite struct PairFollowerTests {
    @Test("All requests go to one server, the followed one: the primary first.")
    func primaryFirst() {
        var client = Following()
        client.begin(1...3)
        #expect(client.takeSent() == ["1 to primary", "2 to primary", "3 to primary"])
        #expect(client.answer(.reply, 2, by: .primary, term: 4) != nil)
        client.begin(4...4)
        #expect(client.takeSent() == ["4 to primary"])
        #expect(client.turns == 0)
    }

    @Test("The primary first, also if the backup's connection is there before its own.")
    func primaryFirstAtTheStart() {
        var client = Following(isConnected: false)
        client.begin(1...1)
        client.connected(.backup)
        #expect(client.sent.isEmpty)
        client.connected(.primary)
        #expect(client.takeSent() == ["1 to primary"])
    }

    @Test(
        "One failed attempt of one request moves all of them. The other server gets them at once, under the same numbers."
    )
    func aRefusalMovesAll() {
        var client = Following()
        client.begin(1...4)
        _ = client.takeSent()
        client.answer(.refusal, 3, by: .primary, term: 7)
        #expect(client.takeSent() == ["1 to backup", "2 to backup", "3 to backup", "4 to backup"])
        #expect(client.actions == [.term(7), .follow(.backup, .refused(.passive))])
        // The other refusals of the same attempts say nothing new.
        for number in [1, 2, 4] as [UInt64] { client.answer(.refusal, number, by: .primary, term: 7, attempt: 1) }
        #expect(client.sent.isEmpty)
        #expect(client.follower.following == .backup)
    }

    @Test("An attempt fails by the loss of the connection.")
    func aLostConnectionMovesAll() {
        var client = Following()
        client.begin(1...2)
        _ = client.takeSent()
        client.lost(.primary)
        #expect(client.takeSent() == ["1 to backup", "2 to backup"])
        #expect(client.actions == [.follow(.backup, .connectionLost)])
    }

    @Test("An attempt fails by silence for the attempt timeout while the server owes something.")
    func silenceMovesAll() {
        var client = Following()
        client.begin(1...1)
        client.answer(.reply, 1, by: .primary, term: 4)
        client.wait(.seconds(5))
        #expect(client.turns == 0)
        client.begin(2...3)
        _ = client.takeSent()
        client.wait(.milliseconds(999))
        #expect(client.sent.isEmpty)
        client.wait(.milliseconds(1))
        #expect(client.takeSent() == ["2 to backup", "3 to backup"])
        // What it has not read yet must not reach it late.
        #expect(client.actions == [.term(4), .reconnect(.primary), .follow(.backup, .silent)])
    }

    @Test("What is not answered while others are is sent to the same server again.")
    func overdue() {
        var client = Following()
        client.begin(1...1)
        for number in 2...15 as ClosedRange<UInt64> {
            client.begin(number...number)
            client.answer(.reply, number, by: .primary, term: 4)
            client.wait(.milliseconds(100))
        }
        #expect(client.takeSent().filter { $0 == "1 to primary" }.count == 2)
        #expect(client.turns == 0)
    }

    @Test("Silence to requests that were given up counts: behind new requests, and before they are sent.")
    func silenceToThoseGivenUp() {
        var client = Following()
        client.begin(1...1)
        client.answer(.reply, 1, by: .primary, term: 4)
        client.begin(2...2, timeout: .seconds(1))
        client.wait(.seconds(1))
        #expect(client.failures == [.timedOut])
        #expect(client.turns == 0)
        _ = client.takeSent()
        client.begin(3...3, isOnce: true)
        #expect(client.takeSent() == ["3 to backup"])
    }

    @Test("With a classic server, which refuses by silence, it gets them after the settle delay.")
    func classic() {
        var client = Following()
        client.begin(1...1)
        #expect(client.classicReply(1, by: .primary) != nil)
        client.begin(2...2)
        _ = client.takeSent()
        client.wait(.milliseconds(2_999))
        #expect(client.follower.following == .backup)
        #expect(client.sent.isEmpty)
        client.wait(.milliseconds(1))
        #expect(client.takeSent() == ["2 to backup"])
        // And from there back to the first, and so on.
        client.wait(.seconds(3))
        #expect(client.takeSent() == ["2 to primary"])
    }

    @Test("With a classic server a lost connection is a failed attempt too, and the settle delay holds.")
    func classicLost() {
        var client = Following()
        client.begin(1...1)
        #expect(client.classicReply(1, by: .primary) != nil)
        client.begin(2...2)
        _ = client.takeSent()
        client.lost(.primary)
        client.wait(.milliseconds(1_999))
        #expect(client.sent.isEmpty)
        client.wait(.milliseconds(1))
        #expect(client.takeSent() == ["2 to backup"])
    }

    @Test("When the other one does not serve either, the client waits before it comes back, longer each time.")
    func backoff() {
        var client = Following()
        client.begin(1...1)
        client.answer(.refusal, 1, by: .primary, term: 7, role: .primary)
        #expect(client.takeSent().count == 2)
        var waits: [Duration] = []
        var seat = Seat.backup
        for _ in 0..<10 {
            client.answer(.refusal, 1, by: seat, term: 7, role: seat.initialRole)
            #expect(client.sent.isEmpty)
            let start = client.now
            while client.sent.isEmpty { client.wait(.microseconds(100)) }
            waits.append(client.now - start)
            _ = client.takeSent()
            seat = client.follower.following
        }
        for (index, wait) in waits.enumerated() {
            let middle = Duration.milliseconds(2) * (1 << min(index, 6))
            #expect(wait >= middle / 2 && wait <= middle * 3 / 2 + .milliseconds(1))
        }
    }

    @Test("The same seed and the same events give the same actions; another seed gives other waits.")
    func seeds() {
        func firstWait(seed: UInt64) -> MonotonicTime? {
            var client = Following(seed: seed)
            client.begin(1...1)
            client.answer(.refusal, 1, by: .primary, term: 7, role: .primary)
            client.answer(.refusal, 1, by: .backup, term: 7, role: .backup)
            return client.follower.nextDeadline
        }
        #expect(firstWait(seed: 5) == firstWait(seed: 5))
        #expect(Set((0..<20).map { firstWait(seed: $0) }).count > 15)
    }

    @Test("and then asks with a few requests first.")
    func aFewFirst() {
        var client = Following()
        client.begin(1...1_000)
        client.answer(.refusal, 1, by: .primary, term: 7, role: .primary)
        #expect(client.sent.count == 2_000)
        _ = client.takeSent()
        client.answer(.refusal, 1, by: .backup, term: 7, role: .backup, attempt: 2)
        while client.sent.isEmpty { client.wait(.microseconds(100)) }
        #expect(client.sent.count == 64)
        // One that is served releases the others.
        client.answer(.reply, 1, by: .primary, term: 8)
        #expect(client.sent.count == 1_000)
    }

    @Test("The others follow a little later, in case the server keeps the first ones until it knows whether it serves.")
    func theOthersFollow() {
        var client = Following()
        client.begin(1...1_000)
        client.answer(.refusal, 1, by: .primary, term: 7, role: .primary)
        _ = client.takeSent()
        client.answer(.refusal, 1, by: .backup, term: 7, role: .backup, attempt: 2)
        client.wait(.milliseconds(20))
        #expect(client.sent.count == 1_000)
    }

    @Test("A refusal that tells of a term not heard of before names who serves, and costs no wait.")
    func aRefusalThatNames() {
        var client = Following()
        client.begin(1...1)
        client.answer(.refusal, 1, by: .primary, term: 7, role: .primary)
        client.answer(.refusal, 1, by: .backup, term: 8, role: .passive)
        #expect(client.takeSent() == ["1 to primary", "1 to backup", "1 to primary"])
        // Once only: two passive servers would be asked without end.
        client.answer(.refusal, 1, by: .primary, term: 8, role: .passive)
        #expect(client.sent.isEmpty)
    }

    @Test("If the other server is out of reach, the same one is asked again, after a wait.")
    func onlyOneIsReachable() {
        var client = Following()
        client.begin(1...1)
        client.lost(.primary)
        #expect(client.takeSent() == ["1 to primary", "1 to backup"])
        client.answer(.refusal, 1, by: .backup, term: 7)
        #expect(client.sent.isEmpty)
        client.wait(.milliseconds(10))
        #expect(client.takeSent() == ["1 to backup"])
        #expect(client.turns == 1)
    }

    @Test("When both are out of reach, whichever comes back first is followed.")
    func bothOutOfReach() {
        var client = Following()
        client.lost(.backup)
        client.lost(.primary)
        client.begin(1...1)
        client.wait(.seconds(3))
        #expect(client.sent.isEmpty)
        client.connected(.backup)
        #expect(client.takeSent() == ["1 to backup"])
        #expect(client.actions == [.follow(.backup, .reachable)])
    }

    @Test("A server that cannot be reached and does not say so is silent too.")
    func unreachableWithoutAWord() {
        var client = Following(isConnected: false)
        client.connected(.backup)
        client.begin(1...1)
        client.wait(.seconds(1))
        #expect(client.takeSent() == ["1 to backup"])
    }

    @Test("A notice moves all requests at once, and one that tells who is active too.")
    func notices() {
        var client = Following()
        client.begin(1...2)
        client.answer(.reply, 1, by: .primary, term: 4)
        _ = client.takeSent()
        client.notice(.primary, by: .primary, term: 4)
        #expect(client.takeSent() == ["2 to backup"])
        // One of the server that was left moves nobody.
        client.notice(.passive, by: .primary, term: 5)
        #expect(client.follower.following == .backup)
        client.notice(.active, by: .primary, term: 3)
        #expect(client.follower.following == .backup)
        client.notice(.active, by: .primary, term: 6)
        #expect(client.takeSent() == ["2 to primary"])
    }
}
