import BinaryStarCore
import CZeroMQ
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
    private let timeoutNanoseconds: Int64
    let isOnce: Bool
    /// The context of the caller's span, encoded, if there is one.
    let trace: [UInt8]?
    // Set by the task before it hands the request over, under the inbox's lock; and not changed from then on.
    nonisolated(unsafe) private var continuation: Continuation?
    // Set before the task goes on, and taken by it.
    nonisolated(unsafe) private var outcome: Result<BinaryStarClient.Reply, any Error>?

    init(
        number: UInt64, body: Message, deadline: MonotonicTime, timeoutNanoseconds: Int64, isOnce: Bool, trace: [UInt8]?
    ) {
        self.number = number
        self.body = body
        self.deadline = deadline
        self.timeoutNanoseconds = timeoutNanoseconds
        self.isOnce = isOnce
        self.trace = trace
    }

    var timeout: Duration { .nanoseconds(timeoutNanoseconds) }

    /// The task begins to wait.
    func wait(with continuation: Continuation) { self.continuation = continuation }

    /// Has the task go on with this. Exactly once: by whoever takes the request out of the inbox, or of the client's table.
    func end(with outcome: Result<BinaryStarClient.Reply, any Error>) { set(outcome)?.resume() }

    /// Says what the task goes on with, and returns its continuation, which the caller must resume exactly once.
    ///
    /// Visible to ThreadSanitizer, which does not see that a continuation orders this, if it is resumed before the task waits.
    func set(_ outcome: consuming Result<BinaryStarClient.Reply, any Error>) -> Continuation? {
        self.outcome = outcome
        czmq_tsan_release()
        return continuation
    }

    /// What the request ended with, once the task goes on. To be taken once.
    func reply() throws -> BinaryStarClient.Reply {
        czmq_tsan_acquire()
        guard let outcome = outcome.take() else { preconditionFailure("a request has not ended") }
        return try outcome.get()
    }
}
