/// One source of values, any number of subscribers. Each gets every value from its subscription on, in order, however slow
/// it is; if the broadcast keeps the latest value, a new subscriber gets that one first.
final class Broadcast<Element: Sendable>: Sendable {
    struct State {
        var latest: Element?
        var subscribers: [Int: AsyncStream<Element>.Continuation] = [:]
        var nextID = 0
        var isFinished = false
    }

    private let state: Lock<State>
    /// Held while a value goes to all, so that all subscribers see one order.
    private let order = Lock(())
    private let keepsLatest: Bool

    /// A broadcast without a present value.
    init() {
        state = Lock(State())
        keepsLatest = false
    }

    /// A broadcast whose subscribers get the present value first.
    init(initial: Element) {
        state = Lock(State(latest: initial))
        keepsLatest = true
    }

    func send(_ element: Element) {
        order.withLock { _ in
            let subscribers = state.withLock { state in
                if keepsLatest, !state.isFinished { state.latest = element }
                return state.subscribers.values
            }
            // Outside of the lock that the termination handler takes: to yield takes the runtime's lock of the task that
            // waits, which whoever cancels that task holds while the handler runs.
            for subscriber in subscribers { subscriber.yield(element) }
        }
    }

    /// Ends every stream, also those that are asked for later.
    func finish() {
        let subscribers = state.withLock { state in
            state.isFinished = true
            defer { state.subscribers = [:] }
            return state.subscribers.values
        }
        // Outside of the lock: finishing calls the termination handler.
        for subscriber in subscribers { subscriber.finish() }
    }

    /// - Parameter limit: how many values wait for a slow subscriber, who loses the oldest beyond; by default it loses none.
    func subscribe(bufferingNewest limit: Int? = nil) -> AsyncStream<Element> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Element.self, bufferingPolicy: limit.map { .bufferingNewest($0) } ?? .unbounded)
        let id: Int? = state.withLock { state in
            if let latest = state.latest { continuation.yield(latest) }
            guard !state.isFinished else { return nil }
            defer { state.nextID += 1 }
            state.subscribers[state.nextID] = continuation
            return state.nextID
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.subscribers.removeValue(forKey: id) }
        }
        return stream
    }
}
