import ZeroMQ

/// A socket in a pump's poll set. Used on the pump's thread only.
final class PumpedSocket {
    /// The order in which ready sockets are served within a turn.
    enum Priority {
        /// Before the timers: heartbeats, and what else must not wait behind requests.
        case control
        /// After everything else: requests and data.
        case data
    }

    let socket: Socket
    let priority: Priority
    let handler: (PollSet.Events) -> Void
    /// Whether a pump has the socket.
    fileprivate(set) var isPumped = false
    /// The place in the poll set while the pump waits for something of the socket.
    fileprivate var index: Int?

    init(_ socket: consuming Socket, priority: Priority, handler: @escaping (PollSet.Events) -> Void) {
        self.socket = socket
        self.priority = priority
        self.handler = handler
    }
}

/// The sockets of a pump, and the wake descriptor before them.
///
/// A socket that the pump waits for nothing of, such as a publisher, is not in the poll set: `zmq_poll` asks every socket in
/// it for its state, several times a turn.
struct PumpedSockets: ~Copyable {
    private var pollSet = PollSet()
    private var polled: [PumpedSocket] = []
    private var count = 0

    init(wake descriptor: Int32) {
        pollSet.append(descriptor: descriptor, events: .readable)
    }

    var isEmpty: Bool { count == 0 }

    mutating func insert(_ socket: PumpedSocket, events: PollSet.Events) {
        precondition(!socket.isPumped, "the socket is pumped already")
        socket.isPumped = true
        count += 1
        setEvents(events, of: socket)
    }

    /// Takes a socket out, so that its owner may close it. One that is not in is left alone.
    mutating func remove(_ socket: PumpedSocket) {
        setEvents([], of: socket)
        if socket.isPumped { count -= 1 }
        socket.isPumped = false
    }

    /// Says what to wait for. A socket that is not in is left alone.
    mutating func setEvents(_ events: PollSet.Events, of socket: PumpedSocket) {
        guard socket.isPumped else { return }
        if let index = socket.index {
            guard events.isEmpty else { return pollSet.setEvents(events, at: index) }
            stopPolling(socket, at: index)
        } else if !events.isEmpty {
            socket.index = pollSet.count
            polled.append(socket)
            pollSet.append(socket.socket, events: events)
        }
    }

    private mutating func stopPolling(_ socket: PumpedSocket, at index: Int) {
        socket.index = nil
        pollSet.swapRemove(at: index)
        let last = polled.removeLast()
        if last !== socket {
            polled[index - 1] = last
            last.index = index
        }
    }

    mutating func wait(milliseconds: Int) throws(ZeroMQError) -> Int {
        try pollSet.wait(milliseconds: milliseconds)
    }

    /// Whether the last wait found the wake descriptor readable.
    var isWakeReady: Bool { !pollSet.ready(at: 0).isEmpty }

    /// The sockets that the last wait found ready, with their events.
    func collectReady(into ready: inout [(PumpedSocket, PollSet.Events)]) {
        for (offset, socket) in polled.enumerated() {
            let events = pollSet.ready(at: offset + 1)
            if !events.isEmpty { ready.append((socket, events)) }
        }
    }
}
