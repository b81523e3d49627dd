import BinaryStarCore
import ZeroMQ

/// The pump's end of a stream that follows the active server: a socket to each of the two, of which that of the followed
/// one counts. Used on the pump's thread only.
final class FollowedPort {
    /// What the stream is for.
    enum Direction {
        /// Messages of the followed server go into the buffer; those of the other one are dropped.
        case incoming(ChannelBuffer)
        /// Messages go to the followed server.
        case outgoing
    }

    let direction: Direction
    private let sockets: Both<PumpedSocket>
    private(set) var following: Seat
    /// Messages that wait until the followed server's socket takes them.
    private var unsent = SendQueue()
    /// Whether the buffer has room.
    private var isReading = true

    init(_ direction: Direction, _ sockets: Both<PumpedSocket>, following: Seat, in loop: PumpLoop) {
        self.direction = direction
        self.sockets = sockets
        self.following = following
        for seat in Seat.allCases { loop.insert(sockets[seat], events: []) }
        watch(in: loop)
    }

    /// Another server is followed from now on.
    func follow(_ seat: Seat, in loop: PumpLoop) {
        following = seat
        watch(in: loop)
    }

    /// Polls for what is wanted: everything that comes, also what is dropped, or room for what waits to be sent.
    private func watch(in loop: PumpLoop) {
        for seat in Seat.allCases {
            let events: PollSet.Events =
                switch direction {
                case .incoming: isReading ? .readable : []
                case .outgoing: seat == following && !unsent.isEmpty ? .writable : []
                }
            loop.setEvents(events, of: sockets[seat])
        }
    }

    func close(in loop: PumpLoop) {
        for seat in Seat.allCases { loop.remove(sockets[seat]) }
        if case .incoming(let buffer) = direction { buffer.finish() }
        unsent.failAll(BinaryStarClientError.closed)
    }

    // MARK: Incoming

    func readOn(in loop: PumpLoop) {
        isReading = true
        watch(in: loop)
    }

    /// Takes in what a server has published.
    func read(from seat: Seat, in loop: PumpLoop) throws(ZeroMQError) {
        guard case .incoming(let buffer) = direction else { return }
        while isReading, let message = try sockets[seat].receive() {
            if seat == following, !buffer.add(message) { isReading = false }
            if MonotonicTime.now >= loop.budgetEnd { break }
        }
        watch(in: loop)
    }

    // MARK: Outgoing

    /// Sends at once if nothing waits and there is room. Returns whether it did.
    func sendAtOnce(_ message: Message) throws(BinaryStarClientError) -> Bool {
        guard unsent.isEmpty else { return false }
        var message = message
        return try isSent(&message)
    }

    private func isSent(_ message: inout Message) throws(BinaryStarClientError) -> Bool {
        do throws(ZeroMQError) {
            guard case .sent = try sockets[following].send(&message) else { return false }
            return true
        } catch {
            throw BinaryStarClientError(.socketFailed, "\(error)", underlying: error)
        }
    }

    func nextSendID() -> Int { unsent.nextID() }

    /// Has a message wait for its turn.
    func enqueue(
        _ message: Message, id: Int, _ continuation: CheckedContinuation<Void, any Error>, in loop: PumpLoop
    ) {
        unsent.append(message, id: id, continuation)
        watch(in: loop)
    }

    /// Gives up a message that waits, unless it was sent by now.
    func cancel(_ id: Int, in loop: PumpLoop) {
        unsent.cancel(id)
        watch(in: loop)
    }

    /// Sends what waits, as far as there is room.
    func flush(in loop: PumpLoop) {
        unsent.flush { try isSent(&$0) }
        watch(in: loop)
    }
}
