import BinaryStar
import BinaryStarCore
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct CounterStoreTests {
    private let id = RequestID(client: 7, number: 1)

    @Test func eachRequestCountsOnce() {
        var store = CounterStore()
        #expect(store.increment(0, id, term: 2) == .counted(1))
        #expect(store.increment(1, RequestID(client: 7, number: 2), term: 2) == .counted(2))
        #expect(store.increment(0, id, term: 3) == .counted(1))
        #expect(store.count == 2 && store.duplicates == 1 && store.timesCounted == [0: 1, 1: 1])
    }

    @Test func aLowerTermIsRefused() {
        var store = CounterStore()
        #expect(store.increment(0, id, term: 3) == .counted(1))
        #expect(store.increment(1, RequestID(client: 7, number: 2), term: 2) == .fenced)
        #expect(store.count == 1 && store.fenced == 1)
    }
}

extension Faults {
    /// A pair of real processes whose active server is killed again and again, under load. What it counts is in a store outside
    /// of it, fenced by the term, where each request counts once.
    ///
    /// `FAULT_RUNS=100 swift test --filter everyIncrement` kills 100 times; at least four times otherwise.
    @Suite struct CounterTests {
        private static let deadline = Duration.seconds(2)
        private static let kills = max(4, FaultOptions.runs)

        @Test func everyIncrementCountsOnceAndInTimeWhileTheActiveIsKilled() async throws {
            let service = try CounterService()
            let pair = try CounterPair(store: service.endpoint)
            for seat in Seat.allCases { try pair.start(seat) }
            try await pair.waitUntil(.primary, is: .active)
            try await pair.waitUntil(.backup, is: .passive)
            let client = try BinaryStarClient(
                configuration: .init(
                    primary: pair.place.front(.primary), backup: pair.place.front(.backup),
                    requestTimeout: Self.deadline))
            let load = CounterLoad(client: client)
            let workers = (0..<16).map { _ in Task { await load.work() } }
            do {
                var active = Seat.primary
                for _ in 0..<Self.kills {
                    // Any phase of the heartbeats.
                    try await Task.sleep(for: .milliseconds(.random(in: 20..<300)))
                    try await pair.kill(active)
                    try await load.isServed(by: active.other)
                    try pair.start(active)
                    try await pair.waitUntil(active, is: .passive)
                    active = active.other
                }
            } catch {
                Issue.record(error)
            }
            load.end()
            for worker in workers { await worker.value }
            await client.close()
            await service.close()
            try check(load.results, service.contents)
        }

        private func check(_ results: CounterLoad.Results, _ store: CounterStore) throws {
            print(
                "\(Self.kills) kills of the active: \(results.begun) increments, \(results.failures.count) failed, "
                    + "slowest \(results.slowest); \(results.sentAgain) sent again, "
                    + "\(store.duplicates) of them kept before, \(store.fenced) refused by the term; \(store.terms) terms"
            )
            #expect(results.failures.isEmpty, "\(results.failures.prefix(5))")
            #expect(results.slowest < Self.deadline + .milliseconds(100))
            #expect(store.terms == Self.kills + 1)
            // None lost, and none counted twice, by numbers that neither the servers nor the store go by.
            #expect(store.count == results.begun)
            #expect(Set(store.timesCounted.keys) == Set(0..<results.begun))
            #expect(store.timesCounted.values.allSatisfy { $0 == 1 })
            // Each caller was told of an increment of its own.
            #expect(results.counts.sorted() == Array(1...results.begun))
        }
    }
}

/// The two servers, as processes.
private final class CounterPair: Sendable {
    let place: Place
    private let store: String
    private let folder = TemporaryFolder()
    private let servers = Mutex<[Seat: ToolProcess]>([:])

    init(store: String) throws {
        place = try Place.loopback()
        self.store = store
    }

    private func roles(_ seat: Seat) -> String { "\(folder.path)/\(seat).jsonl" }

    func start(_ seat: Seat) throws {
        try? FileManager.default.removeItem(atPath: roles(seat))
        let server = try ToolProcess(
            "Probe",
            [
                "counter", "\(seat)", place.front(seat), place.state(seat), place.state(seat.other), store, roles(seat),
            ])
        servers.withLock { $0[seat] = server }
    }

    func kill(_ seat: Seat) async throws {
        guard let server = servers.withLock({ $0[seat] }) else { return }
        try #require(server.isRunning, "the \(seat) has ended by itself")
        server.send(SIGKILL)
        _ = await server.exitCode()
    }

    func waitUntil(_ seat: Seat, is role: Role, within limit: Duration = .seconds(15)) async throws {
        let deadline = ContinuousClock.now + limit
        while Record.read(roles(seat)).last?.role != "\(role)" {
            guard ContinuousClock.now < deadline else {
                throw Checker.Violation(description: "the \(seat) did not become \(role) within \(limit)")
            }
            // A file tells nobody that it has grown.
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// Callers of one client, each with one increment after the other.
private final class CounterLoad: Sendable {
    struct Results: Sendable {
        var begun = 0
        var failures: [String] = []
        /// What the callers were told.
        var counts: [Int] = []
        var slowest = Duration.zero
        var sentAgain = 0
        var server: Seat?
        var isEnding = false
    }

    private let client: BinaryStarClient
    private let state = Mutex(Results())
    /// Each server that replies after the other one did.
    private let servers = AsyncStream.makeStream(of: Seat.self)

    init(client: BinaryStarClient) { self.client = client }

    var results: Results { state.withLock { $0 } }

    func end() { state.withLock { $0.isEnding = true } }

    func work() async {
        while let increment = next() {
            let start = ContinuousClock.now
            do {
                let reply = try await client.request(Message("\(increment)"))
                note(reply, took: .now - start)
            } catch {
                state.withLock { $0.failures.append("\(increment) after \(ContinuousClock.now - start): \(error)") }
            }
            // Some thousand a second, so that the machine is busy and not choked.
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    private func next() -> Int? {
        state.withLock { state in
            guard !state.isEnding else { return nil }
            defer { state.begun += 1 }
            return state.begun
        }
    }

    private func note(_ reply: BinaryStarClient.Reply, took duration: Duration) {
        let isNew = state.withLock { state in
            state.counts.append(reply.text.flatMap { Int($0) } ?? 0)
            state.slowest = max(state.slowest, duration)
            if reply.attempts > 1 { state.sentAgain += 1 }
            defer { state.server = reply.server }
            return state.server != reply.server
        }
        if isNew { servers.continuation.yield(reply.server) }
    }

    /// Returns when this server has replied, as the first one after the other server.
    func isServed(by seat: Seat) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [stream = servers.stream] in
                for await next in stream where next == seat { return }
                throw CancellationError()
            }
            group.addTask {
                try await Task.sleep(for: .seconds(15))
                throw Checker.Violation(description: "the \(seat) did not serve in time")
            }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }
}
