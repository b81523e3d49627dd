import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// Requests that must not be sent twice, limits, cancellation, and what callers are told.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ClientBoundsTests {
    // MARK: Once

    @Test func onceIsNotSentAgainWhenItsConnectionBreaks() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let (once, request) = try await pair.begin("once", delivery: .once)
        #expect(request.header.flags == .once)
        let (other, _) = try await pair.begin("other")
        await pair.primary.socket.close()
        #expect(await code(of: once) == .unknownOutcome)
        let moved = try await pair.backup.next()
        #expect(moved.text == "other")
        pair.backup.answer(moved, term: 5)
        #expect(try await other.value.text == "other")
    }

    @Test func onceIsSentToTheOtherServerAfterARefusal() async throws {
        let pair = try PosedPair()
        let (once, request) = try await pair.begin("once", delivery: .once)
        pair.primary.answer(request, .refusal, term: 4)
        let moved = try await pair.backup.next()
        #expect(moved.header.number == request.header.number)
        pair.backup.answer(moved, term: 4)
        #expect(try await once.value.attempts == 2)
    }

    @Test func onceStaysWithItsServerWhenOthersMove() async throws {
        let pair = try PosedPair()
        try await pair.meet(term: 4)
        let (once, first) = try await pair.begin("once", delivery: .once)
        let (other, second) = try await pair.begin("other")
        let (also, _) = try await pair.begin("also")
        pair.primary.answer(second, .refusal, term: 4)
        let moved = try await pair.backup.next(2)
        #expect(moved.map(\.text) == ["other", "also"])
        // Whatever comes to the backup next, it is not the one that must not be sent twice.
        let third = Task { try await pair.client.request("third") }
        let next = try await pair.backup.next()
        #expect(next.text == "third")
        pair.primary.answer(first, term: 4)
        let reply = try await once.value
        #expect(reply.server == .primary && reply.attempts == 1)
        for request in moved + [next] { pair.backup.answer(request, term: 4) }
        _ = try await (other.value, also.value, third.value)
    }

    @Test func onceThatGetsNoReplyHasAnUnknownOutcome() async throws {
        let pair = try PosedPair(attemptTimeout: .milliseconds(50))
        let task = Task { try await pair.client.request("once", timeout: .milliseconds(400), delivery: .once) }
        _ = try await pair.primary.next()
        #expect(await code(of: task) == .unknownOutcome)
    }

    @Test("A client that was away reads what came before it takes its servers for silent and its requests for overdue")
    func aClientThatWasAway() async throws {
        let pair = try PosedPair(attemptTimeout: .seconds(1))
        try await pair.meet(term: 4)
        let events = pair.client.events
        let once = Task { try await pair.client.request("once", timeout: .seconds(2), delivery: .once) }
        let first = try await pair.primary.next()
        await pair.client.stall(for: .seconds(3)) { pair.primary.answer(first, term: 4) }
        #expect(try await once.value.text == "once")
        await pair.client.close()
        for await event in events { Issue.record("\(event)") }
    }

    // MARK: Limits

    @Test func furtherRequestsWaitInTheirOrder() async throws {
        let pair = try PosedPair { $0.maximumInFlight = 2 }
        var tasks: [Task<BinaryStarClient.Reply, any Error>] = []
        for number in 0..<2 { tasks.append(try await pair.begin("\(number)").0) }
        for number in 2..<5 {
            let waiting = pair.client
            tasks.append(Task { try await waiting.request(Message("\(number)")) })
            try await eventually("request") { await waiting.waitingCount == number + 1 }
        }
        // One that waits is cancelled, and one in flight makes room at once.
        tasks[2].cancel()
        await #expect(throws: CancellationError.self) { try await tasks[2].value }
        tasks[0].cancel()
        #expect(try await pair.primary.next().text == "3")
        tasks[1].cancel()
        #expect(try await pair.primary.next().text == "4")
        await pair.client.close()
        #expect(await code(of: tasks[3]) == .closed)
        #expect(await code(of: tasks[4]) == .closed)
    }

    @Test func whatBreaksARuleIsNotSent() async throws {
        let pair = try PosedPair { $0.maximumBodySize = 10 }
        func message(_ body: Message, _ timeout: Duration? = nil) async -> String {
            do {
                _ = try await pair.client.request(body, timeout: timeout)
                return ""
            } catch {
                #expect((error as? BinaryStarClientError)?.code == .invalidRequest)
                return "\(error)"
            }
        }
        #expect(await message("12345678901") == "body is 11 bytes long, but it must be at most 10 (maximumBodySize)")
        #expect(await message("x", .zero).contains("above zero"))
        #expect(await message("x", .seconds(100_000)).contains("one day"))
        let serving = pair.primary.serving(term: 3)
        defer { serving.cancel() }
        #expect(try await pair.client.request("1234567890").text == "1234567890")
    }

    @Test func theServerIsToldHowLongTheClientWaits() async throws {
        let pair = try PosedPair()
        let task = Task { try await pair.client.request("x", timeout: .seconds(20)) }
        let left = try await pair.primary.next().header.millisecondsLeft ?? 0
        #expect(left > 1_000 && left <= 20_000)
        let forever = Task { try await pair.client.request("y", timeout: .seconds(86_400)) }
        #expect(try await pair.primary.next().header.millisecondsLeft == nil)
        await pair.client.close()
        _ = await (task.result, forever.result)
    }

    // MARK: Cancellation

    @Test("Cancelled at any moment, a request ends at once and leaves nothing behind", arguments: 0..<4)
    func cancellation(moment: Int) async throws {
        let pair = try PosedPair { if moment == 3 { $0.maximumInFlight = 1 } }
        let client = pair.client
        if moment == 3 { _ = try await pair.begin("in flight") }
        let expected = moment == 3 ? 1 : 0
        for _ in 0..<50 {
            let task = Task {
                if moment == 0 { withUnsafeCurrentTask { $0?.cancel() } }
                return try await client.request("x")
            }
            switch moment {
            case 1: break
            case 2: _ = try await pair.primary.next()
            default: await Task.yield()
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        try await eventually("nothing left") { await client.waitingCount == expected }
        await client.close()
    }

    @Test func cancellationWhileNoServerCanBeReached() async throws {
        let folder = PairEndpoints()
        let client = try BinaryStarClient(configuration: .init(primary: folder.primary, backup: folder.backup))
        let task = Task { try await client.request("x", timeout: .seconds(60)) }
        try await eventually("request") { await client.waitingCount == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(await client.waitingCount == 0)
        let error = await #expect(throws: BinaryStarClientError.self) {
            try await client.request("x", timeout: .milliseconds(100))
        }
        #expect(error?.message.contains("neither server can be reached") == true)
    }
}
