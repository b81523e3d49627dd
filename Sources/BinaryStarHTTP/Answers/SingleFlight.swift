import BinaryStar

/// Asks for a value that may never come, once for all that want it at the same time. Those wait for as long as they
/// like; the question stays open until it is answered, and nobody asks another one meanwhile.
final class SingleFlight<Value: Sendable>: Sendable {
    private struct Waiter {
        var continuation: CheckedContinuation<Value?, Never>
        var timer: Task<Void, Never>
    }

    private struct State {
        var isOpen = false
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
    }

    private let ask: @Sendable () async -> Value
    private let state = Lock(State())

    /// - Parameter ask: never runs twice at once. Nobody cancels it.
    init(_ ask: @escaping @Sendable () async -> Value) { self.ask = ask }

    /// - Returns: `nil` if it does not come within `limit`, or the task is cancelled.
    func value(within limit: Duration) async -> Value? {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let asks = state.withLock { state in
                    let timer = Task {
                        try? await Task.sleep(for: limit)
                        giveUp(id)
                    }
                    state.waiters[id] = Waiter(continuation: continuation, timer: timer)
                    defer { state.isOpen = true }
                    return !state.isOpen
                }
                if asks { Task { answer(await ask()) } }
                // If it was cancelled before there was anybody to give up.
                if Task.isCancelled { giveUp(id) }
            }
        } onCancel: {
            giveUp(id)
        }
    }

    private func giveUp(_ id: Int) {
        let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.timer.cancel()
        waiter?.continuation.resume(returning: nil)
    }

    private func answer(_ value: Value) {
        let waiters = state.withLock { state in
            defer { state = State(lastWaiter: state.lastWaiter) }
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters {
            waiter.timer.cancel()
            waiter.continuation.resume(returning: value)
        }
    }
}
