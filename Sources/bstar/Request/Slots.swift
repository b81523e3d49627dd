import Synchronization

/// How many requests may be in flight: each takes a slot, and gives it back. One task at a time may take.
final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    /// Takes a slot, and waits until there is one. When the task is cancelled it returns without.
    func take() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.free > 0 || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        try Task.checkCancellation()
        state.withLock { $0.free -= 1 }
    }

    /// Whether all are taken.
    var areAllTaken: Bool { state.withLock { $0.free <= 0 } }

    /// Gives slots back.
    func give(_ count: Int) {
        guard count > 0 else { return }
        state.withLock { $0.free += count }
        wake()
    }

    private func wake() { state.withLock { $0.waiter.take() }?.resume() }
}
