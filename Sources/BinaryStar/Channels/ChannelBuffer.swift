import DequeModule
import ZeroMQ

/// Received messages on their way from the pump to whoever iterates over a channel.
///
/// It holds a limited number of them. When it is full the pump stops reading the socket, and it reads on when half of the
/// buffer is free again.
final class ChannelBuffer: Sendable {
    struct State {
        var messages = Deque<Message>()
        var waiters: [(id: Int, continuation: CheckedContinuation<Message?, Never>)] = []
        var nextID = 0
        var isFull = false
        var isFinished = false
    }

    private let state = Lock(State())
    private let capacity: Int
    private let readOn: PumpSignal

    /// - Parameters:
    ///   - capacity: how many messages it holds.
    ///   - readOn: is raised when the pump may read the socket again.
    init(capacity: Int, readOn: PumpSignal) {
        self.capacity = capacity
        self.readOn = readOn
    }

    /// Hands a message over. Returns whether there is room for another one.
    func add(_ message: Message) -> Bool {
        let (waiter, hasRoom) = state.withLock { state -> (CheckedContinuation<Message?, Never>?, Bool) in
            guard state.waiters.isEmpty else { return (state.waiters.removeFirst().continuation, true) }
            state.messages.append(message)
            state.isFull = state.messages.count >= capacity
            return (nil, !state.isFull)
        }
        waiter?.resume(returning: message)
        return hasRoom
    }

    /// Ends the sequence, behind the messages that are in the buffer.
    func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    /// The next message, or `nil` when there are no more or the task is cancelled.
    func next() async -> Message? {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { wait(id, $0) }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: nil)
        }
    }

    private func wait(_ id: Int, _ continuation: CheckedContinuation<Message?, Never>) {
        let (immediate, mayReadOn): (Message??, Bool) = state.withLock { state in
            if let message = state.messages.popFirst() {
                let mayReadOn = state.isFull && state.messages.count <= capacity / 2
                if mayReadOn { state.isFull = false }
                return (.some(message), mayReadOn)
            }
            if state.isFinished || Task.isCancelled { return (.some(nil), false) }
            state.waiters.append((id, continuation))
            return (nil, false)
        }
        if let immediate { continuation.resume(returning: immediate) }
        if mayReadOn { readOn.raise() }
    }
}
