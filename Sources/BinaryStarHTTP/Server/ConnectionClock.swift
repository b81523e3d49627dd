import BinaryStar

/// How long a connection may go on with what it does. Any thread may ask.
final class ConnectionClock: Sendable {
    enum Phase: Sendable {
        /// For a request, or for the rest of it.
        case waiting
        case answering
        /// For the client to take the answer.
        case writing
    }

    private struct State {
        var phase = Phase.waiting
        /// Of the phase, or of the latest progress in it.
        var since = ContinuousClock.now
        var deadline: ContinuousClock.Instant
        var isStopping = false
        /// Waits for the deadline that there was when it began.
        var sleeper: (task: Task<Void, Never>, until: ContinuousClock.Instant)?
    }

    private let state: Lock<State>

    init(within limit: Duration) { state = Lock(State(deadline: .now + limit)) }

    func begin(_ phase: Phase, within limit: Duration) {
        let sleeper: Task<Void, Never>? = state.withLock { state in
            // What comes slowly is no reason to take a client for a busy one.
            if phase != .waiting || state.phase != phase { state.since = .now }
            state.phase = phase
            state.deadline = .now + limit
            // Whoever sleeps for longer than that has to learn of it.
            return state.sleeper.flatMap { $0.until > state.deadline ? $0.task : nil }
        }
        sleeper?.cancel()
    }

    /// The client has taken a part of the answer; this gives it no more time.
    func progress() { state.withLock { $0.since = .now } }

    /// From now on the answer to a request is the last one of its connection.
    func stop() { state.withLock { $0.isStopping = true } }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var isOver: Bool { state.withLock { $0.deadline <= .now } }

    /// Until when ``waitUntilOver()`` sleeps before it looks again; `nil` if it does not.
    var sleepsUntil: ContinuousClock.Instant? { state.withLock { $0.sleeper?.until } }

    /// Since when the connection waits for a request; `nil` while it answers one.
    var waitingSince: ContinuousClock.Instant? { state.withLock { $0.phase == .waiting ? $0.since : nil } }

    /// Since when the client has taken nothing of its answer; `nil` while there is none.
    var unreadSince: ContinuousClock.Instant? { state.withLock { $0.phase == .writing ? $0.since : nil } }

    /// Returns when the time is over, or the task is cancelled.
    func waitUntilOver() async {
        while !Task.isCancelled, let sleeper = sleepUntilDeadline() {
            await withTaskCancellationHandler {
                await sleeper.value
            } onCancel: {
                sleeper.cancel()
            }
        }
    }

    /// - Returns: `nil` if the time is over.
    private func sleepUntilDeadline() -> Task<Void, Never>? {
        state.withLock { state in
            let deadline = state.deadline
            guard deadline > .now else { return nil }
            // It may have been put off by then.
            let task = Task<Void, Never> { try? await Task.sleep(until: deadline, clock: .continuous) }
            state.sleeper = (task, deadline)
            return task
        }
    }
}
