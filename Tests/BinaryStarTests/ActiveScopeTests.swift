import Testing

@testable import BinaryStar

@Suite(.serialized, .timeLimit(.minutes(1))) struct ActiveScopeTests {
    private struct Failure: Error {}

    /// Runs until it is cancelled.
    private func untilCancelled() async throws {
        try await Task.sleep(for: .seconds(3_600))
    }

    @Test func closedScopeRunsNothing() async throws {
        let scope = ActiveScope()
        var last = 0
        try await scope.run(lastActivation: &last) { Issue.record("it ran") }
        #expect(last == 0)
    }

    @Test func bodyRunsOnceInAnActivation() async throws {
        let scope = ActiveScope()
        let runs = Box(0)
        var last = 0
        scope.open()
        for _ in 0..<3 { try await scope.run(lastActivation: &last) { runs.update { $0 += 1 } } }
        #expect(runs.value == 1)
        await scope.close()
        scope.open()
        try await scope.run(lastActivation: &last) { runs.update { $0 += 1 } }
        #expect(runs.value == 2)
    }

    @Test("Closing cancels every body and waits until all of them have ended")
    func closeWaitsForEveryBody() async throws {
        let scope = ActiveScope()
        scope.open()
        let started = AsyncStream.makeStream(of: Void.self)
        let ended = Box(0)
        let gate = Gate()
        let bodies = (0..<5).map { number in
            Task {
                var last = 0
                try await scope.run(lastActivation: &last) {
                    started.continuation.yield()
                    try? await untilCancelled()
                    // One of them takes its time.
                    if number == 0 { await Task.detached { await gate.pass() }.value }
                    ended.update { $0 += 1 }
                }
            }
        }
        var iterator = started.stream.makeAsyncIterator()
        for _ in bodies { await iterator.next() }
        let closed = Box(false)
        let closing = Task {
            await scope.close()
            closed.update { $0 = true }
            #expect(ended.value == 5)
        }
        try await eventually("quick bodies end") { ended.value == 4 }
        #expect(!closed.value)
        gate.open()
        await closing.value
        for body in bodies { try await body.value }
    }

    @Test func cancellationByTheScopeIsNoError() async throws {
        let scope = ActiveScope()
        scope.open()
        let started = Gate()
        let body = Task {
            var last = 0
            try await scope.run(lastActivation: &last) {
                started.open()
                try await untilCancelled()
            }
        }
        await started.pass()
        await scope.close()
        try await body.value
    }

    @Test func errorOfTheBodyIsThrown() async throws {
        let scope = ActiveScope()
        scope.open()
        await #expect(throws: Failure.self) {
            var last = 0
            try await scope.run(lastActivation: &last) { throw Failure() }
        }
        // Nothing is left of it to wait for.
        try await withTimeout { await scope.close() }
    }

    @Test func errorAfterTheCancellationIsThrown() async throws {
        let scope = ActiveScope()
        scope.open()
        let started = Gate()
        let body = Task {
            var last = 0
            try await scope.run(lastActivation: &last) {
                started.open()
                try? await untilCancelled()
                throw Failure()
            }
        }
        await started.pass()
        await scope.close()
        await #expect(throws: Failure.self) { try await body.value }
    }

    @Test func cancellationOfTheCallerCancelsTheBody() async throws {
        let scope = ActiveScope()
        scope.open()
        let started = Gate()
        let wasCancelled = Box(false)
        let body = Task {
            var last = 0
            try await scope.run(lastActivation: &last) {
                started.open()
                try? await untilCancelled()
                wasCancelled.update { $0 = Task.isCancelled }
            }
        }
        await started.pass()
        body.cancel()
        _ = await body.result
        #expect(wasCancelled.value)
        try await withTimeout { await scope.close() }
    }

    @Test func finishedScopeOpensNoMore() async throws {
        let scope = ActiveScope()
        scope.open()
        await scope.finish()
        scope.open()
        var last = 0
        try await scope.run(lastActivation: &last) { Issue.record("it ran") }
    }

    @Test func openCloseUnderLoadLeavesNoBodyBehind() async throws {
        let scope = ActiveScope()
        let running = Box(0)
        let stop = Box(false)
        let runners = (0..<8).map { _ in
            Task {
                var last = 0
                while !stop.value {
                    try await scope.run(lastActivation: &last) {
                        running.update { $0 += 1 }
                        try? await untilCancelled()
                        running.update { $0 -= 1 }
                    }
                    // Leaves the thread pool to the tests beside this one.
                    try await Task.sleep(for: .microseconds(100))
                }
            }
        }
        for _ in 0..<300 {
            scope.open()
            await Task.yield()
            await scope.close()
            #expect(running.value == 0)
        }
        stop.update { $0 = true }
        await scope.finish()
        for runner in runners { try await runner.value }
    }
}
