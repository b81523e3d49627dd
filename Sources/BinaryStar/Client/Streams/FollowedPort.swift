import DequeModule
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

    struct Unsent {
        var id: Int
        var message: Message
        var continuation: CheckedContinuation<Void, any Error>
    }

    let direction: Direction
    private let primary: PumpedSocket
    private let backup: PumpedSocket
    private(set) var following: Seat
    /// Messages that wait until the followed server's socket takes them.
    private var unsent = Deque<Unsent>()
    private var nextSendID = 0
    /// Whether the buffer has room.
    private var isReading = true

    init(_ direction: Direction, primary: PumpedSocket, backup: PumpedSocket, following: Seat, in loop: PumpLoop) {
        self.direction = direction
        self.primary = primary
        self.backup = backup
        self.following = following
        for socket in [primary, backup] { loop.insert(socket, events: []) }
        watch(in: loop)
    }

    private func socket(of seat: Seat) -> PumpedSocket {
        switch seat {
        case .primary: primary
        case .backup: backup
        }
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
            loop.setEvents(events, of: socket(of: seat))
        }
    }

    func close(in loop: PumpLoop) {
        for socket in [primary, backup] { loop.remove(socket) }
        if case .incoming(let buffer) = direction { buffer.finish() }
        while let unsent = unsent.popFirst() { unsent.continuation.resume(throwing: BinaryStarClientError.closed) }
    }

    // MARK: Incoming

    func readOn(in loop: PumpLoop) {
        isReading = true
        watch(in: loop)
    }

    /// Takes in what a server has published.
    func read(from seat: Seat, in loop: PumpLoop) throws(ZeroMQError) {
        guard case .incoming(let buffer) = direction else { return }
        let socket = socket(of: seat)
        while isReading, let message = try socket.receive() {
            if seat == following, !buffer.add(message) { isReading = false }
            if MonotonicTime.now >= loop.budgetEnd { break }
        }
        watch(in: loop)
    }

    // MARK: Outgoing

    /// Sends at once if nothing waits and there is room. Returns whether it did.
    func sendAtOnce(_ message: Message) throws(ZeroMQError) -> Bool {
        guard unsent.isEmpty else { return false }
        var message = message
        return try isSent(&message)
    }

    private func isSent(_ message: inout Message) throws(ZeroMQError) -> Bool {
        guard case .sent = try socket(of: following).send(&message) else { return false }
        return true
    }

    func nextID() -> Int {
        nextSendID += 1
        return nextSendID
    }

    /// Has a message wait for its turn.
    func enqueue(_ waiting: Unsent, in loop: PumpLoop) {
        unsent.append(waiting)
        watch(in: loop)
    }

    /// Takes out a message that waits, unless it was sent by now.
    func cancel(_ id: Int, in loop: PumpLoop) -> Unsent? {
        guard let index = unsent.firstIndex(where: { $0.id == id }) else { return nil }
        defer { watch(in: loop) }
        return unsent.remove(at: index)
    }

    /// Sends what waits, as far as there is room.
    func flush(in loop: PumpLoop) {
        defer { watch(in: loop) }
        while var next = unsent.popFirst() {
            do throws(ZeroMQError) {
                guard try isSent(&next.message) else { return unsent.prepend(next) }
                next.continuation.resume()
            } catch {
                next.continuation.resume(
                    throwing: BinaryStarClientError(.socketFailed, "\(error)", underlying: error))
            }
        }
    }
}
