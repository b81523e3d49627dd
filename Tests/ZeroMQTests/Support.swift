import Testing
import ZeroMQ

extension Socket {
    /// Waits until the socket is ready for `events`; false after ten seconds.
    func waitUntil(_ events: PollSet.Events) throws -> Bool {
        var pollSet = PollSet()
        pollSet.append(self, events: events)
        return try pollSet.wait(milliseconds: 10_000) > 0
    }

    /// The next message, for which it waits.
    func next() throws -> Message {
        guard try waitUntil(.readable), let message = try receive() else { throw NothingReceived() }
        return message
    }

    /// Sends, and waits while the socket is full.
    func deliver(_ message: Message) throws {
        var message = message
        while case .full = try send(&message) {
            guard try waitUntil(.writable) else { throw NothingReceived() }
        }
    }
}

/// Nothing came within ten seconds.
struct NothingReceived: Error {}
