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
    /// The place in the poll set while the socket is pumped.
    fileprivate(set) var index: Int?

    init(_ socket: consuming Socket, priority: Priority, handler: @escaping (PollSet.Events) -> Void) {
        self.socket = socket
        self.priority = priority
        self.handler = handler
    }
}

/// The sockets that a pump watches, and the wake descriptor before them.
struct PumpedSockets: ~Copyable {
    private var pollSet = PollSet()
    private var sockets: [PumpedSocket] = []

    init(wake descriptor: Int32) {
        pollSet.append(descriptor: descriptor, events: .readable)
    }

    var isEmpty: Bool { sockets.isEmpty }

    mutating func insert(_ socket: PumpedSocket, events: PollSet.Events) {
        precondition(socket.index == nil, "the socket is pumped already")
        socket.index = pollSet.count
        sockets.append(socket)
        pollSet.append(socket.socket, events: events)
    }

    /// Takes a socket out, so that its owner may close it. One that is not in is left alone.
    mutating func remove(_ socket: PumpedSocket) {
        guard let index = socket.index else { return }
        socket.index = nil
        pollSet.swapRemove(at: index)
        let last = sockets.removeLast()
        if last !== socket {
            sockets[index - 1] = last
            last.index = index
        }
    }

    mutating func setEvents(_ events: PollSet.Events, of socket: PumpedSocket) {
        guard let index = socket.index else { return }
        pollSet.setEvents(events, at: index)
    }

    mutating func wait(milliseconds: Int) throws(ZeroMQError) -> Int {
        try pollSet.wait(milliseconds: milliseconds)
    }

    /// Whether the last wait found the wake descriptor readable.
    var isWakeReady: Bool { !pollSet.ready(at: 0).isEmpty }

    /// The sockets that the last wait found ready, with their events.
    func collectReady(into ready: inout [(PumpedSocket, PollSet.Events)]) {
        for (offset, socket) in sockets.enumerated() {
            let events = pollSet.ready(at: offset + 1)
            if !events.isEmpty { ready.append((socket, events)) }
        }
    }
}
