import BinaryStarCore
import DequeModule
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// What clients of ours are told: answers again, failures, notices; and what is not handled because nobody waits for it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AnswerTests {
    private let folder = TemporaryFolder()

    /// A raw client with headers of ours.
    private struct Asker {
        let socket: RawSocket
        let incarnation: UInt64

        init(_ endpoint: String, incarnation: UInt64 = 77) throws {
            socket = try RawSocket(.dealer, connect: endpoint)
            self.incarnation = incarnation
        }

        func send(_ number: UInt64, _ text: String = "x", left: UInt32? = nil, isOnce: Bool = false, term: UInt64 = 0) {
            let header = RequestHeader(
                incarnation: incarnation, number: number, term: term, millisecondsLeft: left,
                flags: isOnce ? .once : [])
            socket.send(Message(frames: [header.encoded, [], Array(text.utf8)]))
        }

        func next() async throws -> (ReplyHeader, Message) {
            let message = try await socket.next()
            guard let header = message[0].withSpan({ ReplyHeader($0) }) else { throw DeadlineExceeded(what: "header") }
            return (header, message.rest(from: 2))
        }
    }

    private struct Hidden: Error, CustomStringConvertible {
        var description: String { "a secret" }
    }

    @Test func theHandlerSeesWhatIsNotSentAgain() async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await star.addInlineVoter(.router, bind: folder.ipc("voter")) { request in
                Message(request.isOnce ? "once" : "again")
            }
            let asker = try Asker(endpoint)
            asker.send(1, isOnce: true)
            #expect(try await asker.next().1.text == "once")
            asker.send(2)
            #expect(try await asker.next().1.text == "again")
            // A client of another kind.
            asker.socket.send("", "x")
            #expect(try await asker.socket.next().last?.text == "again")
        }
    }

    @Test(
        "A request that is sent again gets the first reply again, and its handler does not run twice",
        arguments: [true, false])
    func repeatedAfterTheReply(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let runs = Box(0)
            let answer: @Sendable (Request) throws -> Message? = { request in
                Message("\(request.id?.number ?? 0) run \(runs.update { $0 += 1; return $0 })")
            }
            let endpoint =
                inline
                ? try await star.addInlineVoter(.router, bind: folder.ipc("voter"), handler: answer)
                : try await star.addVoter(.router, bind: folder.ipc("voter")) { try answer($0) }
            let asker = try Asker(endpoint)
            for number in [1, 1, 2, 1, 2] as [UInt64] {
                asker.send(number)
                let (header, body) = try await asker.next()
                #expect(header.kind == .reply)
                #expect(header.request.number == number)
                #expect(body.text == "\(number) run \(number)")
            }
            // By another connection too; and another client's request of the same number is another one.
            let again = try Asker(endpoint)
            again.send(1)
            #expect(try await again.next().1.text == "1 run 1")
            let other = try Asker(endpoint, incarnation: 78)
            other.send(1)
            #expect(try await other.next().1.text == "1 run 3")
            #expect(await star.statistics.requestsRepeated == 4)
        }
    }

    @Test func repeatedWhileTheHandlerRunsGetsTheOneReply() async throws {
        try await withActiveStar { star, _ in
            let gate = Gate()
            let runs = Box(0)
            let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { _ in
                runs.update { $0 += 1 }
                await gate.pass()
                return "done"
            }
            let first = try Asker(endpoint)
            first.send(1)
            try await eventually("run") { runs.value == 1 }
            // The client comes back by a new connection.
            await first.socket.close()
            let second = try Asker(endpoint)
            second.send(1)
            try await eventually("second") { await star.statistics.requestsRepeated == 1 }
            gate.open()
            #expect(try await second.next().1.text == "done")
            #expect(runs.value == 1)
        }
    }

    @Test func answersAreForgottenBeyondTheLimits() async throws {
        try await withActiveStar { star, _ in
            let runs = Box(0)
            let endpoint = try await star.addVoter(
                .router, bind: folder.ipc("voter"), limits: VoterLimits(rememberedAnswers: 2)
            ) { _ in
                runs.update { $0 += 1 }
                return "x"
            }
            let asker = try Asker(endpoint)
            for number in [1, 2, 3, 3, 2, 1] as [UInt64] {
                asker.send(number)
                _ = try await asker.next()
            }
            #expect(runs.value == 4)
        }
    }

    @Test("Replies of an earlier term are never given again as if of a later one")
    func answersOfAnEarlierTerm() async throws {
        let pair = PairEndpoints()
        let stars = try [pair.star(.primary, timing: .patient), pair.star(.backup, timing: .patient)]
        let runs = Box(0)
        let endpoint = try await stars[0].addVoter(.router, bind: folder.ipc("voter")) { _ in
            Message("run \(runs.update { $0 += 1; return $0 })")
        }
        try await running(stars[0], stars[1]) {
            try await stars[0].becomes(.active)
            try await stars[1].becomes(.passive)
            let asker = try Asker(endpoint)
            asker.send(1)
            let (header, _) = try await asker.next()
            try await stars[0].stepDown()
            // It is told so, unasked.
            let (notice, _) = try await asker.next()
            #expect(notice.kind == .notice)
            #expect(notice.role == .primary)
            #expect(notice.term == header.term)
            try await stars[0].becomes(.passive)
            try await stars[1].stepDown()
            #expect(try await asker.next().0.role == .active)
            asker.send(1)
            let (later, body) = try await asker.next()
            #expect(later.term > header.term)
            #expect(body.text == "run 2")
        }
    }

    @Test("A server that a vote makes sure of its role after a doubt does not know who served in between")
    func answersOfATimeBeforeADoubt() async throws {
        try await withActiveStar { star, peer in
            peer.fallSilent()
            let gate = Gate()
            let runs = Box(0)
            let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { request in
                let run = runs.update {
                    $0 += 1; return $0
                }
                if request.text == "slow", run == 2 { await gate.pass() }
                return Message("run \(run)")
            }
            let asker = try Asker(endpoint)
            asker.send(1)
            let (first, _) = try await asker.next()
            asker.send(2, "slow")
            try await eventually("the slow one's start") { runs.value == 2 }
            // Somebody has seen a later term, and votes.
            let voter = try Asker(endpoint, incarnation: 78)
            voter.send(1, term: first.term + 3)
            let (vote, _) = try await voter.next()
            #expect(vote.term > first.term + 3)
            #expect(await star.status.lastChange?.cause == .clientRequest)

            // What was answered before, and what was begun before, is handled in the new term.
            asker.send(1)
            let (again, body) = try await asker.next()
            #expect(again.term == vote.term)
            #expect(body.text == "run 4")
            gate.open()
            try await eventually("the slow one's end") { await star.statistics.repliesDropped[.superseded] == 1 }
            asker.send(2, "slow")
            let (late, slow) = try await asker.next()
            #expect(late.term == vote.term)
            #expect(slow.text == "run 5")
        }
    }

    @Test("What a handler chose to tell reaches the caller, and nothing else does", arguments: [true, false])
    func failures(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let handler: @Sendable (Request) throws -> Message? = { request in
                if request.text == "chosen" { throw RequestFailure(code: 404, text: "no such key") }
                throw Hidden()
            }
            let endpoint =
                inline
                ? try await star.addInlineVoter(.router, bind: folder.ipc("voter"), handler: handler)
                : try await star.addVoter(.router, bind: folder.ipc("voter")) { try handler($0) }
            let client = try BinaryStarClient(configuration: .init(primary: endpoint, backup: folder.ipc("nobody")))
            func error(_ text: String) async -> BinaryStarClientError? {
                await #expect(throws: BinaryStarClientError.self) { try await client.request(Message(text)) }
            }
            let chosen = await error("chosen")
            #expect(chosen?.code == .handlerFailed)
            #expect(chosen?.failure == RequestFailure(code: 404, text: "no such key"))
            let hidden = await error("hidden")
            #expect(hidden?.code == .handlerFailed)
            #expect(hidden?.failure == nil)
            #expect(hidden?.message.contains("secret") == false)
            // Another client gets silence, as ever.
            let classic = try RawClient(endpoint)
            classic.socket.send("", "chosen")
            let asker = try Asker(endpoint)
            asker.send(1, "chosen")
            #expect(try await asker.next().0.kind == .failure)
            // The two come by connections of their own, in any order.
            try await eventually("the other client's") { await star.statistics.handlersFailed == 4 }
            await client.close()
        }
    }

    @Test func aHandlerIsNotRunForARequestThatNobodyWaitsFor() async throws {
        let pump = Pump()
        let finished = Gate()
        let ran = Box(false)
        let pool = HandlerPool(limit: 1, finished: PumpSignal(pump: pump) { finished.open() }) { _ in
            ran.update { $0 = true }
            return nil
        }
        let header = RequestHeader(incarnation: 1, number: 1, millisecondsLeft: 5)
        let message = Message(frames: [[1], header.encoded, [], [1]])
        var requests = [Request(message, identityFrames: 1, at: .now + .milliseconds(-10))]
        #expect(requests[0].timeLeft == .zero)
        pool.submit(&requests)
        await finished.pass()
        var outcomes = Deque<HandlerPool.Outcome>()
        pool.takeFinished(into: &outcomes)
        #expect(outcomes.count == 1)
        #expect(throws: HandlerPool.DeadlinePassed.self) { try outcomes[0].result.get() }
        #expect(!ran.value)
    }

    @Test func theHandlerSeesWhoAsksAndHowLongItWaits() async throws {
        try await withActiveStar { star, _ in
            let seen = Box<[(RequestID?, Duration?)]>([])
            let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { request in
                seen.update { $0.append((request.id, request.timeLeft)) }
                return request.body
            }
            let client = try BinaryStarClient(configuration: .init(primary: endpoint, backup: folder.ipc("nobody")))
            _ = try await client.request("x", timeout: .seconds(20))
            _ = try await client.request("x")
            #expect(seen.value.map(\.0?.number) == [1, 2])
            #expect(Set(seen.value.map(\.0?.client)).count == 1)
            #expect(seen.value[0].1.map { $0 > .seconds(1) && $0 <= .seconds(20) } == true)
            #expect(try await RawClient(endpoint).request("x") == "x")
            #expect(seen.value[2].0 == nil && seen.value[2].1 == nil)
            await client.close()
        }
    }
}
