import Testing

@testable import BinaryStarHTTP

@Suite(.timeLimit(.minutes(2))) struct ConnectionClockTests {
    @Test("Whoever sleeps until the end learns that it has come nearer") func earlier() async throws {
        let clock = ConnectionClock(within: .seconds(100))
        let begin = ContinuousClock.now
        let waiting = Task { await clock.waitUntilOver() }
        while clock.sleepsUntil == nil { try await Task.sleep(for: .milliseconds(1)) }
        clock.begin(.answering, within: .milliseconds(50))
        await waiting.value
        #expect(clock.isOver && ContinuousClock.now - begin < patience)
    }

    @Test("And that it has been put off") func later() async throws {
        let clock = ConnectionClock(within: .milliseconds(50))
        let begin = ContinuousClock.now
        let waiting = Task { await clock.waitUntilOver() }
        clock.begin(.waiting, within: .milliseconds(300))
        await waiting.value
        #expect(clock.isOver && ContinuousClock.now - begin >= .milliseconds(300))
    }

    @Test("A cancelled task does not wait for the end") func cancelled() async throws {
        let clock = ConnectionClock(within: .seconds(100))
        let waiting = Task { await clock.waitUntilOver() }
        while clock.sleepsUntil == nil { try await Task.sleep(for: .milliseconds(1)) }
        waiting.cancel()
        await waiting.value
        #expect(!clock.isOver)
    }
}
