import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// What a client does about servers that refuse, break, are late, lie, or say that they are no longer active.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ClientFollowingTests {
    @Test func aRefusalSendsEveryRequestToTheOtherServerUnderTheSameNumber() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let tasks = (0..<50).map { number in Task { try await pair.client.request(Message("\(number)")) } }
        let first = try await pair.primary.next(50)
        for request in first { pair.primary.answer(request, .refusal, term: 5) }
        let second = try await pair.backup.next(50)
        #expect(Set(second.map(\.header.number)) == Set(first.map(\.header.number)))
        #expect(second.allSatisfy { $0.header.attempt == 2 && $0.header.term == 5 })
        for request in second.reversed() { pair.backup.answer(request, term: 5) }
        for (number, task) in tasks.enumerated() {
            let reply = try await task.value
            #expect(reply.text == "\(number)")
            #expect(reply.server == .backup)
            #expect(reply.attempts == 2)
            #expect(reply.term == 5)
        }
        // Forty-nine refusals said nothing new.
        async let next = pair.client.request("next")
        pair.backup.answer(try await pair.backup.next(), term: 5)
        #expect(try await next.server == .backup)
    }

    @Test func aServerThatIsKilledWithARequestIsLeftAtOnce() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let (task, request) = try await pair.begin("x")
        await pair.primary.socket.close()
        let second = try await pair.backup.next()
        #expect(second.header.number == request.header.number)
        pair.backup.answer(second, term: 5)
        #expect(try await task.value.server == .backup)
    }

    @Test func aServerThatComesBackGetsNoOldRequest() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let (task, _) = try await pair.begin("old")
        await pair.primary.socket.close()
        // Sent while it is away.
        let later = Task { try await pair.client.request("later") }
        for request in try await pair.backup.next(2) { pair.backup.answer(request, term: 5) }
        _ = try await (task.value, later.value)
        let events = pair.client.events
        let returned = try PosedServer(pair.folder.primary)
        for await event in events where event == .connected(.primary) { break }
        // Sent here because the other one refuses: the first that arrives.
        let new = Task { try await pair.client.request("new") }
        pair.backup.answer(try await pair.backup.next(), .refusal, term: 6)
        let arrived = try await returned.next()
        #expect(arrived.text == "new")
        returned.answer(arrived, term: 6)
        #expect(try await new.value.server == .primary)
    }

    @Test("What libzmq had not sent to a server is not sent to it when it comes back")
    func aServerThatComesBackGetsNothingThatItsConnectionKept() async throws {
        let folder = PairEndpoints()
        // It reads nothing, so that most stays in the client's socket.
        let stuck = try RawSocket(.router, bind: folder.primary, reads: false) {
            try $0.set(.receiveHighWaterMark, 1)
        }
        let backup = try PosedServer(folder.backup)
        let client = try BinaryStarClient(
            configuration: .init(primary: folder.primary, backup: folder.backup, attemptTimeout: patience))
        let events = client.events
        let body = Message([UInt8](repeating: 120, count: 100_000))
        let count = 100
        let tasks = (0..<count).map { _ in Task { try await client.request(body, timeout: patience) } }
        try await eventually("sent") { await client.counts.attempts == count }
        await stuck.close()
        for request in try await backup.next(count) { backup.answer(request, term: 5) }
        for task in tasks { #expect(try await task.value.server == .backup) }
        let returned = try PosedServer(folder.primary)
        var isBack = false
        for await event in events {
            if event == .lost(.primary) { isBack = true }
            if isBack, event == .connected(.primary) { break }
        }
        // Sent there because the other one refuses: the first that arrives.
        let new = Task { try await client.request("new") }
        backup.answer(try await backup.next(), .refusal, term: 6)
        let arrived = try await returned.next()
        #expect(arrived.text == "new")
        returned.answer(arrived, term: 6)
        #expect(try await new.value.server == .primary)
    }

    @Test func aSilentServerIsLeftAndItsLateReplyOfALowerTermIsNotTaken() async throws {
        let pair = try PosedPair(attemptTimeout: .milliseconds(300))
        try await pair.meet(term: 4)
        // As one that is stopped.
        let (task, request) = try await pair.begin("x")
        let second = try await pair.backup.next()
        pair.backup.answer(second, term: 7, "new")
        #expect(try await task.value.text == "new")
        // And goes on.
        let other = Task { try await pair.client.request("y") }
        pair.primary.answer(request, term: 4, "old")
        let third = try await pair.backup.next()
        pair.primary.answer(third, term: 4, "old")
        #expect(third.header.term == 7)
        pair.backup.answer(third, term: 7, "newer")
        #expect(try await other.value.text == "newer")
    }

    @Test("A server that was silent for the attempt timeout to a request that was given up gets no new one")
    func silentToOneGivenUp() async throws {
        let pair = try PosedPair(attemptTimeout: .seconds(1))
        try await pair.meet(term: 4)
        let givenUp = Task { try await pair.client.request("given up", timeout: .seconds(1)) }
        _ = try await pair.primary.next()
        // The request's time and the server's are both over when the client looks again.
        await pair.client.stall(for: .seconds(2)) {}
        #expect(await code(of: givenUp) == .timedOut)
        let once = Task { try await pair.client.request("once", delivery: .once) }
        let request = try await pair.backup.next()
        pair.backup.answer(request, term: 5)
        #expect(try await once.value.attempts == 1)
    }

    @Test func repliesThatAreLateTwiceOutOfOrderOrForOthers() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let tasks = (0..<20).map { number in Task { try await pair.client.request(Message("\(number)")) } }
        for request in try await pair.primary.next(20).reversed() {
            var foreign = request
            foreign.header.incarnation ^= 1
            pair.primary.answer(foreign, term: 4, "foreign")
            var future = request
            future.header.number += 1_000
            pair.primary.answer(future, term: 4, "future")
            for length in [0, 5, 32, 34] {
                let garbage = [UInt8](repeating: 0x42, count: length)
                pair.primary.socket.send(Message(frames: [request.identity, garbage, [], [1]]))
                pair.primary.socket.send(Message(frames: [request.identity, garbage]))
            }
            // One of a lower term from the server that is followed would make the client leave it.
            pair.primary.answer(request, term: 4)
            pair.primary.answer(request, term: 4, "twice")
        }
        for (number, task) in tasks.enumerated() { #expect(try await task.value.text == "\(number)") }
    }

    @Test func aNoticeMovesWhatWaits() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let (task, request) = try await pair.begin("x")
        pair.primary.notify(request, role: .primary, term: 4)
        let second = try await pair.backup.next()
        // The answer of the first server comes all the same, and its term is not lower.
        pair.primary.answer(request, term: 4, "first")
        #expect(try await task.value.text == "first")
        pair.backup.answer(second, term: 5)
        async let next = pair.client.request("next")
        pair.backup.answer(try await pair.backup.next(), term: 5)
        #expect(try await next.server == .backup)
    }

    @Test func bothSilent() async throws {
        let pair = try PosedPair(attemptTimeout: .milliseconds(50))
        let task = Task { try await pair.client.request("x", timeout: .milliseconds(600)) }
        #expect(await code(of: task) == .timedOut)
        let serving = pair.backup.serving(term: 3)
        defer { serving.cancel() }
        #expect(try await pair.client.request("y").server == .backup)
    }

    @Test func events() async throws {
        let pair = try PosedPair()
        let streams = (pair.client.events, pair.client.events)
        try await pair.meet(term: 4)
        let (task, request) = try await pair.begin("x")
        pair.primary.answer(request, .refusal, term: 5)
        pair.backup.answer(try await pair.backup.next(), term: 5)
        _ = try await task.value
        let last = pair.client.events
        await pair.backup.socket.close()
        for await event in last where event == .following(.primary, .connectionLost) { break }
        await pair.client.close()
        for stream in [streams.0, streams.1] {
            var events: [BinaryStarClient.Event] = []
            for await event in stream { events.append(event) }
            #expect(events.contains(.connected(.primary)) && events.contains(.connected(.backup)))
            #expect(
                events.filter { if case .connected = $0 { false } else { true } } == [
                    .term(4), .term(5), .following(.backup, .refused(.passive)), .lost(.backup),
                    .following(.primary, .connectionLost),
                ])
        }
        for await _ in pair.client.events { Issue.record("an event after the end") }
    }

    @Test("A classic pair behind the same client: one is asked at a time, and the other after the settle delay")
    func classicPair() async throws {
        let pair = try PosedPair(attemptTimeout: .milliseconds(300))
        let first = Task { try await pair.client.request("x") }
        let arrived = try await pair.primary.socket.next()
        pair.primary.socket.send(arrived)
        #expect(try await first.value.term == nil)
        let second = Task { try await pair.client.request("y") }
        _ = try await pair.primary.socket.next { $0.last?.text == "y" }
        // Each copy: on a busy machine the client may have given up the connection of the first.
        let echo = Task { while true { pair.backup.socket.send(try await pair.backup.socket.next()) } }
        defer { echo.cancel() }
        let reply = try await second.value
        #expect(reply.server == .backup && reply.text == "y")
    }
}
