/// The bodies that may run only while the star is active: opened on activation, closed on demotion.
///
/// Closing cancels every body and waits until all of them have ended, so that nothing of the active time is left when the
/// next role is announced.
final class ActiveScope: Sendable {
    struct State {
        /// Counts activations, so that a body runs once in each.
        var activation = 0
        var isOpen = false
        var isFinished = false
        /// For each running body, what cancels it.
        var bodies: [Int: @Sendable () -> Void] = [:]
        var nextID = 0
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())
    /// Tells each time that the scope was opened.
    private let openings = Broadcast<Void>(initial: ())

    func open() {
        let isOpen = state.withLock {
            guard !$0.isFinished else { return false }
            $0.activation += 1
            $0.isOpen = true
            return true
        }
        if isOpen { openings.send(()) }
    }

    /// Whether a body runs.
    var isOccupied: Bool { state.withLock { !$0.bodies.isEmpty } }

    /// Cancels the bodies, and lets no further one begin.
    func cancel() {
        let cancellations = state.withLock { state in
            state.isOpen = false
            return Array(state.bodies.values)
        }
        for cancel in cancellations { cancel() }
    }

    /// Cancels the bodies, and returns when the last one has ended.
    func close() async {
        cancel()
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.bodies.isEmpty { state.closers.append(continuation) }
                return state.bodies.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// Closes for good.
    func finish() async {
        state.withLock { $0.isFinished = true }
        await close()
        openings.finish()
    }

    /// Runs `body` each time that the scope is open, until it is closed for good or the task is cancelled.
    func runWheneverOpen(_ body: @escaping @Sendable () async throws -> Void) async throws {
        var lastActivation = 0
        for await _ in openings.subscribe() { try await run(lastActivation: &lastActivation, body) }
    }

    /// Runs `body`, unless the scope is closed or the body has had its run in this activation.
    ///
    /// - Parameter lastActivation: the activation of the body's latest run; is updated.
    func run(lastActivation: inout Int, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let task = BodyTask()
        let entry: (id: Int, activation: Int)? = state.withLock { [lastActivation] state in
            guard state.isOpen, state.activation > lastActivation else { return nil }
            defer { state.nextID += 1 }
            state.bodies[state.nextID] = { task.cancel() }
            return (state.nextID, state.activation)
        }
        guard let entry else { return }
        lastActivation = entry.activation
        defer { leave(entry.id) }
        try await task.run(body)
    }

    private func leave(_ id: Int) {
        let closers = state.withLock { state in
            state.bodies[id] = nil
            guard state.bodies.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}

/// A body as a child of its caller's task, that somebody else can cancel too.
private final class BodyTask: Sendable {
    private let demoted = AsyncStream.makeStream(of: Never.self)

    func cancel() { demoted.continuation.finish() }

    /// Runs `body` until it ends by itself, or is cancelled and ends. That it was cancelled is no error.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return false
            }
            group.addTask { [stream = demoted.stream] in
                for await _ in stream {}
                return true
            }
            do {
                let wasDemoted = try await group.next() ?? false
                group.cancelAll()
                if wasDemoted { _ = try await group.next() }
            } catch let error as CancellationError {
                guard group.isCancelled || Task.isCancelled else { throw error }
            }
        }
    }
}
