import DequeModule
import Testing
import ZeroMQ

@testable import BinaryStar

@Suite(.serialized, .timeLimit(.minutes(1))) struct HandlerPoolTests {
    private struct Failure: Error {}

    /// Where the signal of a pool finds it, without keeping it alive.
    private final class Slot: Sendable {
        private struct State {
            weak var pool: HandlerPool?
        }

        private let state = Lock(State())

        var pool: HandlerPool? { state.withLock(\.pool) }

        func set(_ pool: HandlerPool) { state.withLock { $0.pool = pool } }
    }

    /// A pool, and what it has finished.
    private final class Harness: Sendable {
        let pool: HandlerPool
        let outcomes = Box<[HandlerPool.Outcome]>([])

        init(limit: Int, _ handler: @escaping @Sendable (Request) async throws -> Message?) {
            let pump = Pump()
            let slot = Slot()
            let outcomes = outcomes
            let finished = PumpSignal(pump: pump) {
                var taken = Deque<HandlerPool.Outcome>()
                slot.pool?.takeFinished(into: &taken)
                let finished = taken
                outcomes.update { $0 += finished }
            }
            pool = HandlerPool(limit: limit, finished: finished, handler: handler)
            slot.set(pool)
        }

        func endPool() async {
            pool.cancel()
            await pool.end()
        }

        func submit(_ range: Range<Int>) {
            var requests = range.map { Request(oneWay: Message("\($0)")) }
            pool.submit(&requests)
            #expect(requests.isEmpty)
        }

        func finished(_ count: Int) async throws {
            try await eventually("\(count) outcomes") { outcomes.value.count >= count }
        }
    }

    @Test(arguments: [1, 2, 16, 1_000])
    func everyRequestIsHandledOnce(limit: Int) async throws {
        let running = Box((now: 0, most: 0))
        let harness = Harness(limit: limit) { request in
            running.update {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            await Task.yield()
            running.update { $0.now -= 1 }
            return request.body
        }
        // Each yields once, which takes a turn of all that the other tests have running.
        let count = 300
        for batch in 0..<count / 20 { harness.submit(batch * 20..<batch * 20 + 20) }
        try await harness.finished(count)
        #expect(running.value.most <= limit)
        let replies = harness.outcomes.value.compactMap { try? $0.result.get()?.text }
        #expect(Set(replies) == Set((0..<count).map(String.init)))
        #expect(replies.count == count)
    }

    @Test func oneAtATimeKeepsTheOrder() async throws {
        let harness = Harness(limit: 1) { request in
            await Task.yield()
            return request.body
        }
        for number in 0..<200 { harness.submit(number..<number + 1) }
        try await harness.finished(200)
        #expect(harness.outcomes.value.compactMap { try? $0.result.get()?.text } == (0..<200).map(String.init))
    }

    @Test("A handler that waits never holds up a request behind it")
    func waitingHandlersHoldUpNobody() async throws {
        let gate = Gate()
        let harness = Harness(limit: 3) { request in
            if request.text == "0" { await gate.pass() }
            return request.body
        }
        harness.submit(0..<100)
        try await harness.finished(99)
        gate.open()
        try await harness.finished(100)
        #expect(harness.outcomes.value.last?.request.text == "0")
    }

    @Test func errorsAndNoReplies() async throws {
        let harness = Harness(limit: 4) { request in
            if request.text == "1" { throw Failure() }
            return request.text == "2" ? nil : request.body
        }
        harness.submit(0..<3)
        try await harness.finished(3)
        for outcome in harness.outcomes.value {
            switch (outcome.request.text, outcome.result) {
            case ("0", .success(let reply)): #expect(reply?.text == "0")
            case ("1", .failure(let error)): #expect(error is Failure)
            case ("2", .success(let reply)): #expect(reply == nil)
            default: Issue.record("\(outcome)")
            }
        }
    }

    @Test("Cancelling drops what waits, and returns when the running handlers have ended")
    func cancel() async throws {
        let started = Box(0)
        let ended = Box(0)
        let harness = Harness(limit: 2) { _ in
            started.update { $0 += 1 }
            try? await Task.sleep(for: .seconds(3_600))
            ended.update { $0 += 1 }
            return nil
        }
        harness.submit(0..<10)
        try await eventually("two handlers") { started.value == 2 }
        try await withTimeout { await harness.endPool() }
        #expect(ended.value == 2)
        #expect(started.value == 2)
        harness.submit(10..<20)
        try await withTimeout { await harness.endPool() }
        #expect(started.value == 2)
    }

    @Test func cancelOfAnIdlePool() async throws {
        let harness = Harness(limit: 2) { $0.body }
        try await withTimeout { await harness.endPool() }
        harness.submit(0..<1)
        #expect(harness.outcomes.value.isEmpty)
    }

    @Test func cancelWhileHandlersStart() async throws {
        for _ in 0..<200 {
            let running = Box(0)
            let harness = Harness(limit: 4) { _ in
                running.update { $0 += 1 }
                await Task.yield()
                running.update { $0 -= 1 }
                return nil
            }
            harness.submit(0..<8)
            try await withTimeout { await harness.endPool() }
            #expect(running.value == 0)
        }
    }
}
