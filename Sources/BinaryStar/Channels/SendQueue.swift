import DequeModule
import ZeroMQ

/// Messages that wait until a socket takes them, in order, and whoever waits for that. Used on the pump's thread only.
struct SendQueue {
    private struct Waiting {
        var id: Int
        var message: Message
        var continuation: CheckedContinuation<Void, any Error>
    }

    private var waiting = Deque<Waiting>()
    private var lastID = 0

    var isEmpty: Bool { waiting.isEmpty }

    /// A number for a message that may have to wait, by which it can be taken out again.
    mutating func nextID() -> Int {
        lastID += 1
        return lastID
    }

    mutating func append(_ message: Message, id: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        waiting.append(Waiting(id: id, message: message, continuation: continuation))
    }

    /// Takes out a message that waits, and fails it as cancelled. Does nothing if it does not wait any more.
    mutating func cancel(_ id: Int) {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
        waiting.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    /// Sends what waits, until `send` returns false because there is no room. What it throws fails the one message.
    mutating func flush(_ send: (inout Message) throws -> Bool) {
        while var next = waiting.popFirst() {
            do {
                guard try send(&next.message) else { return waiting.prepend(next) }
                next.continuation.resume()
            } catch {
                next.continuation.resume(throwing: error)
            }
        }
    }

    mutating func failAll(_ error: any Error) {
        while let next = waiting.popFirst() { next.continuation.resume(throwing: error) }
    }
}
