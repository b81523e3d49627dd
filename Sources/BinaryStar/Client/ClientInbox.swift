import BinaryStarCore
import ZeroMQ

/// What tasks hand to a client: requests, and word that one is given up. From any thread; the pump takes all at once.
///
/// Requests come this way and not by calls of the actor, because a call costs a job and two hops between threads for each.
struct ClientInbox: ~Copyable, Sendable {
    typealias Continuation = UnsafeContinuation<BinaryStarClient.Reply, any Error>

    /// A request that waits for its reply. Its continuation is resumed exactly once: by whoever takes it out of here, or of
    /// the client's table of requests.
    struct Entry: Sendable {
        let number: UInt64
        let body: Message
        let deadline: MonotonicTime
        let timeout: Duration
        let isOnce: Bool
        /// The context of the caller's span, encoded, if there is one.
        let trace: [UInt8]?
        let continuation: Continuation
    }

    enum Command: Sendable {
        case add(Entry)
        case cancel(UInt64)
    }

    // Not private: the compiler (6.3) cannot lay out a class that holds a lock over a type private to another file.
    struct State {
        /// Optional for whoever takes them out one by one, without a copy.
        var commands: [Command?] = []
        var isClosed = false
    }

    /// What became of an entry.
    enum Added {
        case taken, cancelled, closed
    }

    private let state = Lock(State())

    /// Takes a request, unless its task is cancelled or the client closed.
    func add(_ entry: Entry) -> Added {
        state.withLock { state in
            if state.isClosed { return .closed }
            // Asked for under the lock: a task is marked before its handler is called, so that the handler's word, if it has not
            // come by now, comes behind the request.
            if Task.isCancelled { return .cancelled }
            state.commands.append(.add(entry))
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
