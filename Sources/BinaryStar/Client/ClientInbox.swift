import BinaryStarCore
import ZeroMQ

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
