import BinaryStarCore
import TestSupport
import Testing

@testable import BinaryStar

/// What the application sees of the roles.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BinaryStarRolesTests {
    let endpoints = PairEndpoints()

    @Test("Any number of subscribers: each gets the present role first, then every change in order, and ends")
    func subscribers() async throws {
        let star = try endpoints.star(.backup)
        let peer = try endpoints.peer(of: .backup)
        let early = (0..<10).map { _ in Task { [roles = star.roles] in await Array(all: roles) } }
        // Does not look before the end, and loses nothing.
        let slow = star.roles
        try await running(star) {
            peer.beat(.active)
            try await star.becomes(.passive)
            let late = Task { [roles = star.roles] in await Array(all: roles) }
            peer.beat(.backup)
            try await star.becomes(.active)
            // Ends when the star stops, which this task does not wait for.
            Task { #expect(await late.value == [.passive, .active]) }
        }
        for subscriber in early { #expect(await subscriber.value == [.backup, .passive, .active]) }
        #expect(await Array(all: slow) == [.backup, .passive, .active])
        #expect(await Array(all: star.roles) == [.active])
    }

    @Test func eventsTellCauseAndTime() async throws {
        let star = try endpoints.star(.backup)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let peer = try endpoints.peer(of: .backup)
        let events = star.events
        let start = ContinuousClock.now
        try await running(star) {
            peer.beat(.active)
            try await star.becomes(.passive)
            peer.fallSilent()
            try await RawClient(voter).requestUntilServed("vote")
        }
        let changes = await Array(all: events)
        #expect(changes.map(\.from) == [.backup, .passive])
        #expect(changes.map(\.to) == [.passive, .active])
        #expect(changes.map(\.cause) == [.peer(.active), .clientRequest])
        #expect(changes[0].peerSilence == nil)
        #expect(try #require(changes[1].peerSilence) >= HeartbeatTiming.quick.timeout)
        #expect(changes[0].instant > start && changes[0].instant < changes[1].instant)
        #expect(changes[1].term > changes[0].term)
        #expect(changes[1].peerRole == .active)
        #expect("\(changes[1])" == "passive → active (client request), term \(changes[1].term)")
        #expect(await Array(all: star.events) == [])
    }

    // MARK: whileActive

    @Test("The body runs while the star is active, and is cancelled at the stop")
    func bodyRunsWhileActive() async throws {
        let star = try endpoints.star(.primary)
        let peer = try endpoints.peer(of: .primary)
        let log = Box<[String]>([])
        let work = Task {
            try await star.whileActive {
                log.update { $0.append("begins in \(Task.isCancelled ? "a cancelled task" : "time")") }
                try? await Task.sleep(for: .seconds(3_600))
                log.update { $0.append("ends") }
            }
        }
        try await running(star) {
            #expect(log.value == [])
            peer.beat(.backup)
            try await eventually("body") { log.value.count == 1 }
            #expect(await star.role == .active)
        }
        // Before `run` returns, everything of the active time has ended.
        #expect(log.value == ["begins in time", "ends"])
        try await withTimeout { try await work.value }
    }

    @Test func bodyOfAStarThatNeverIsActiveNeverRuns() async throws {
        let star = try endpoints.star(.backup)
        let peer = try endpoints.peer(of: .backup)
        let work = Task { try await star.whileActive { Issue.record("it ran") } }
        try await running(star) {
            peer.beat(.active)
            try await star.becomes(.passive)
        }
        try await withTimeout { try await work.value }
    }

    @Test func errorOfTheBodyIsTheCallers() async throws {
        struct Failure: Error {}
        let star = try endpoints.star(.primary)
        let peer = try endpoints.peer(of: .primary)
        peer.beat(.backup)
        try await running(star) {
            await #expect(throws: Failure.self) { try await star.whileActive { throw Failure() } }
            // The star goes on.
            #expect(await star.role == .active)
        }
    }

    @Test func cancelledCallerLeavesTheStarAlone() async throws {
        try await withActiveStar { star, _ in
            let started = Gate()
            let work = Task {
                try await star.whileActive {
                    started.open()
                    try await Task.sleep(for: .seconds(3_600))
                }
            }
            await started.pass()
            work.cancel()
            _ = try await withTimeout { await work.result }
            #expect(await star.role == .active)
        }
    }

    /// The classic wire has no way out of active, so that the announcer gets its changes from the test.
    @Test("A body has ended before the next role is announced")
    func bodyEndsBeforeTheNextRole() async throws {
        let star = try endpoints.star(.primary)
        let log = Box<[String]>([])
        let (changes, source) = AsyncStream.makeStream(of: RoleChange.self)
        let announcing = Task { await star.announce(changes) }
        let started = AsyncStream.makeStream(of: Void.self)
        let work = Task {
            try await star.whileActive {
                log.update { $0.append("body begins") }
                started.continuation.yield()
                try? await Task.sleep(for: .seconds(3_600))
                // Cleaning up takes its time.
                for _ in 0..<100 { await Task.yield() }
                log.update { $0.append("body ends") }
            }
        }
        let following = Task { [roles = star.roles] in
            for await role in roles where role != .active { log.update { $0.append("\(role)") } }
        }
        var starts = started.stream.makeAsyncIterator()
        try await eventually("subscription") { log.value == ["primary"] }
        for cycle in 1...20 {
            source.yield(change(.passive, .active))
            await starts.next()
            source.yield(change(.active, .passive))
            // The follower is a task of its own, and may be late to the log.
            try await eventually("the next role") { log.value.count { $0 == "passive" } == cycle }
        }
        source.finish()
        await announcing.value
        await following.value
        try await work.value
        let cycle = ["body begins", "body ends", "passive"]
        #expect(log.value == ["primary"] + (0..<20).flatMap { _ in cycle })
    }

    @Test func bodyThatReturnsByItselfIsCalledAtTheNextActivationOnly() async throws {
        let star = try endpoints.star(.primary)
        let runs = Box(0)
        let (changes, source) = AsyncStream.makeStream(of: RoleChange.self)
        let announcing = Task { await star.announce(changes) }
        let work = Task { try await star.whileActive { runs.update { $0 += 1 } } }
        for round in 1...5 {
            source.yield(change(.passive, .active))
            try await eventually("run \(round)") { runs.value == round }
            source.yield(change(.active, .passive))
        }
        source.finish()
        await announcing.value
        try await work.value
        #expect(runs.value == 5)
    }

    private func change(_ from: Role, _ to: Role) -> RoleChange {
        RoleChange(
            Transition(from: from, to: to, term: 1, cause: .peer(.active), instant: .now), at: .now)
    }
}

extension Array where Element: Sendable {
    /// Every element of a stream that ends.
    init(all stream: AsyncStream<Element>) async {
        self = []
        for await element in stream { append(element) }
    }
}
