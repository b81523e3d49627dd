import BinaryStarCore
import ZeroMQ

/// A request that waits for its reply.
///
/// An object that has all of it, so that the asking task's own memory has no more than a reference: a task that needs more than
/// the first kilobyte that it is given costs another one, for each request anew.
final class PendingRequest: Sendable {
    typealias Continuation = UnsafeContinuation<Void, Never>

    let number: UInt64
    let body: Message
    let deadline: MonotonicTime
    let timeout: Duration
    let isOnce: Bool
    /// The context of the caller's span, encoded, if there is one.
    let trace: [UInt8]?
    // Set by the task before it hands the request over, under the inbox's lock; and not changed from then on.
    nonisolated(unsafe) private var continuation: Continuation?
    // Set before the task goes on, and read by it.
    nonisolated(unsafe) private var outcome: Result<BinaryStarClient.Reply, any Error>?

    init(
        number: UInt64, body: Message, deadline: MonotonicTime, timeout: Duration, isOnce: Bool, trace: [UInt8]?
    ) {
        self.number = number
        self.body = body
        self.deadline = deadline
        self.timeout = timeout
        self.isOnce = isOnce
        self.trace = trace
    }

    /// The task begins to wait.
    func wait(with continuation: Continuation) { self.continuation = continuation }

    /// Has the task go on with this. Exactly once: by whoever takes the request out of the inbox, or of the client's table.
    func end(with outcome: Result<BinaryStarClient.Reply, any Error>) {
        self.outcome = outcome
        continuation?.resume()
    }

    /// What the request ended with, once the task goes on.
    func reply() throws -> BinaryStarClient.Reply {
        guard let outcome else { preconditionFailure("a request has not ended") }
        return try outcome.get()
    }
}

/// What tasks hand to a client: requests, and word that one is given up. From any thread; the pump takes all at once.
///
/// Requests come this way and not by calls of the actor, because a call costs a job and two hops between threads for each.
struct ClientInbox: ~Copyable, Sendable {
    enum Command: Sendable {
        case add(PendingRequest)
        case cancel(UInt64)
    }

    // Not private: the compiler (6.3) cannot lay out a class that holds a lock over a type private to another file.
    struct State {
        /// Optional for whoever takes them out one by one, without a copy.
        var commands: [Command?] = []
        var isClosed = false
    }

    /// What became of a request.
    enum Added {
        case taken, cancelled, closed
    }

    private let state = Lock(State())

    /// Takes a request, unless its task is cancelled or the client closed.
    func add(_ request: PendingRequest) -> Added {
        state.withLock { state in
            if state.isClosed { return .closed }
            // Asked for under the lock: a task is marked before its handler is called, so that the handler's word, if it has not
            // come by now, comes behind the request.
            if Task.isCancelled { return .cancelled }
            state.commands.append(.add(request))
            return .taken
        }
    }

    func cancel(_ number: UInt64) {
        state.withLock { $0.commands.append(.cancel(number)) }
    }

    /// Swaps what has come with the empty `commands`.
    func take(into commands: inout [Command?]) {
        commands = state.withLock { [commands] state in
            let taken = state.commands
            state.commands = commands
            return taken
        }
    }

    /// No request is taken any more. Returns whether it was open.
    func close() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
    }
}
