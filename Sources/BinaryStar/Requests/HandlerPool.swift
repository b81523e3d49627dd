import BinaryStarCore
import DequeModule
import ZeroMQ

/// Runs asynchronous handlers off the pump: requests in, replies out, both in batches.
///
/// A worker is a task that handles one request after the other until none waits, and then ends: an idle pool has no task.
/// At most one worker is about to start at any time; when it has its first request and further ones wait, it starts the
/// next. So a burst of short requests costs one or two tasks, and yet a handler that waits or blocks never holds up a request
/// behind it. The requests in flight bound the workers.
final class HandlerPool: Sendable {
    typealias Handler = @Sendable (Request) async throws -> Message?

    struct Outcome: Sendable {
        var request: Request
        var result: Result<Message?, any Error>
        /// How long the handler took, in nanoseconds.
        var duration: Int64
    }

    /// A request waited for a worker for longer than its client does for the reply.
    struct DeadlinePassed: Error {}

    struct State {
        var waiting = Deque<Request>()
        var finished = Deque<Outcome>()
        var workers: [Int: Task<Void, Never>?] = [:]
        var nextID = 0
        var isStarting = false
        var isCancelled = false
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())
    private let handler: Handler
    private let limit: Int
    private let finishedSignal: PumpSignal

    /// - Parameters:
    ///   - limit: how many handlers run at a time, at most.
    ///   - finished: is raised when ``takeFinished(into:)`` has something to give.
    init(limit: Int, finished: PumpSignal, handler: @escaping Handler) {
        self.limit = limit
        self.finishedSignal = finished
        self.handler = handler
    }

    /// Takes over all of `requests`.
    func submit(_ requests: inout [Request]) {
        let starting = state.withLock { [requests] state -> Int? in
            guard !state.isCancelled else { return nil }
            state.waiting.append(contentsOf: requests)
            return state.claimWorker(limit: limit)
        }
        requests.removeAll(keepingCapacity: true)
        if let starting { startWorker(starting) }
    }

    /// Swaps what is finished, in the order in which it was, with the empty `outcomes`.
    func takeFinished(into outcomes: inout Deque<Outcome>) {
        outcomes = state.withLock { [outcomes] state in
            let finished = state.finished
            state.finished = outcomes
            return finished
        }
    }

    /// Drops what waits, and cancels the running handlers.
    func cancel() {
        let workers = state.withLock { state in
            state.isCancelled = true
            state.waiting.removeAll()
            return Array(state.workers.values)
        }
        for worker in workers { worker?.cancel() }
    }

    /// Returns when no handler runs any more, after ``cancel()``.
    func end() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if !state.workers.isEmpty { state.idleWaiters.append(continuation) }
                return state.workers.isEmpty
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: Workers

    private func startWorker(_ id: Int) {
        let task = Task.detached { await self.work(as: id) }
        let isCancelled = state.withLock { state in
            // It may have ended already.
            if state.workers[id] != nil { state.workers[id] = .some(task) }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    private func work(as id: Int) async {
        guard var work = firstRequest(worker: id) else { return }
        while true {
            if let next = work.next { startWorker(next) }
            let begun = MonotonicTime.now
            let result: Result<Message?, any Error>
            do {
                // Nobody waits for its reply any more.
                if work.request.deadline <= begun { throw DeadlinePassed() }
                result = .success(try await handler(work.request))
            } catch {
                result = .failure(error)
            }
            let duration = MonotonicTime.now.nanoseconds - begun.nanoseconds
            let outcome = Outcome(request: work.request, result: result, duration: duration)
            // Without a second reference to the request, so that its frames can be moved.
            work.request.message = .none
            guard let more = nextRequest(worker: id, after: outcome) else { return }
            work = more
        }
    }

    /// A request for a worker, and the worker to start for those behind it.
    private typealias Work = (request: Request, next: Int?)

    private func firstRequest(worker id: Int) -> Work? {
        let work = state.withLock { state in
            state.isStarting = false
            return state.takeWork(limit: limit)
        }
        return work ?? lastRequest(worker: id)
    }

    private func nextRequest(worker id: Int, after outcome: consuming Outcome) -> Work? {
        var finished = Optional(outcome)
        let work = state.withLock { state in
            if let outcome = finished.take() { state.finished.append(outcome) }
            return state.takeWork(limit: limit)
        }
        // While the worker still counts: when the last one has ended there is nobody to signal.
        finishedSignal.raise()
        return work ?? lastRequest(worker: id)
    }

    /// What has come in the meantime; or `nil` if the worker is to end, which it does by this.
    private func lastRequest(worker id: Int) -> Work? {
        let (work, waiters) = state.withLock { state -> (Work?, [CheckedContinuation<Void, Never>]) in
            if let work = state.takeWork(limit: limit) { return (work, []) }
            state.workers[id] = nil
            guard state.workers.isEmpty else { return (nil, []) }
            defer { state.idleWaiters = [] }
            return (nil, state.idleWaiters)
        }
        for waiter in waiters { waiter.resume() }
        return work
    }
}

extension HandlerPool.Outcome {
    /// The request, of which the outcome keeps no second reference: the frames of a message with one owner can be moved.
    mutating func takeRequest() -> Request {
        defer { request.message = .none }
        return request
    }

    /// Whether the request's time was over before its handler could begin.
    var wasNotBegun: Bool {
        if case .failure(is HandlerPool.DeadlinePassed) = result { true } else { false }
    }
}

extension HandlerPool.State {
    /// The request that has waited longest, and the number of a worker that the caller must start.
    fileprivate mutating func takeWork(limit: Int) -> (request: Request, next: Int?)? {
        waiting.popFirst().map { ($0, claimWorker(limit: limit)) }
    }

    /// The number of a worker that the caller must start, or `nil` if none is needed now.
    fileprivate mutating func claimWorker(limit: Int) -> Int? {
        guard !waiting.isEmpty, !isStarting, workers.count < limit else { return nil }
        isStarting = true
        defer { nextID += 1 }
        workers[nextID] = .some(nil)
        return nextID
    }
}
