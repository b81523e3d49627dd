import ZeroMQ

/// A socket in a pump's poll set. Used on the pump's thread only.
///
/// A socket that the pump reads from is watched by its descriptor: to ask a ZeroMQ socket for its state, as `zmq_poll` does with
/// each one in its set, costs two system calls a turn even if nothing has happened. libzmq signals on that descriptor only
/// when something happens to a socket *after* it was found empty, and any call takes the signal in. So the socket keeps note
/// of whether it may have something that the descriptor does not tell of: that is so from a message received, or sent, until a
/// receive that finds nothing.
///
/// Source: `zmq_getsockopt(3)`, `ZMQ_FD`.
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
    private let handler: (PollSet.Events) -> Void
    fileprivate let descriptor: Int32
    /// Whether a pump has the socket.
    fileprivate(set) var isPumped = false
    /// The place in the poll set while the pump waits for something of the socket.
    fileprivate var index: Int?
    /// What the pump waits for.
    fileprivate var events: PollSet.Events = [] {
        didSet { noteUntold() }
    }
    /// Whether there may be a message to receive that the descriptor does not tell of.
    fileprivate var mayBeReadable = false {
        didSet { if mayBeReadable != oldValue { noteUntold() } }
    }
    /// The pump's sockets that the poll cannot tell of, and this one's place among them.
    fileprivate var untold: UntoldSockets?
    fileprivate var untoldIndex: Int?
    private var receivedCount = 0

    init(
        _ socket: consuming Socket,
        priority: Priority,
        handler: @escaping (PollSet.Events) -> Void
    ) throws(ZeroMQError) {
        descriptor = try socket.descriptor
        self.socket = socket
        self.priority = priority
        self.handler = handler
    }

    /// Lets the owner receive or send what it can, and returns how many messages it received.
    func serve(_ events: PollSet.Events) -> Int {
        // Set again by a receive that brings a message. An owner that does not even try does not want any.
        mayBeReadable = false
        receivedCount = 0
        handler(events)
        return receivedCount
    }

    private func noteUntold() {
        if isReadByDescriptor { untold?.insert(self) } else { untold?.remove(self) }
    }

    private func noteReceived(_ isMessage: Bool) {
        mayBeReadable = isMessage
        if isMessage { receivedCount += 1 }
    }

    /// As the socket's own.
    func receive(reusing spare: inout Message?, maximumFrames: Int) throws(ZeroMQError) -> Socket.Received {
        let received = try socket.receive(reusing: &spare, maximumFrames: maximumFrames)
        if case .nothing = received { noteReceived(false) } else { noteReceived(true) }
        return received
    }

    /// As the socket's own.
    func receive(usualFrames: Int = Message.usualFrames) throws(ZeroMQError) -> Message? {
        let message = try socket.receive(usualFrames: usualFrames)
        noteReceived(message != nil)
        return message
    }

    /// As the socket's own.
    func send(_ message: inout Message, charge: Charge? = nil) throws(ZeroMQError) -> Socket.Sent {
        mayBeReadable = true
        return try socket.send(&message, charge: charge)
    }

    /// As the socket's own.
    func send(
        address: [UInt8]? = nil,
        headerLength: Int,
        body: borrowing Message,
        writeHeader: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(ZeroMQError) -> Socket.Sent {
        mayBeReadable = true
        return try socket.send(address: address, headerLength: headerLength, body: body, writeHeader: writeHeader)
    }

    /// As the socket's own.
    func send(
        _ reply: consuming Message,
        to request: inout Message,
        bodyStart: Int,
        charge: Charge? = nil
    ) throws(ZeroMQError) -> Socket.Sent {
        mayBeReadable = true
        return try socket.send(reply, to: &request, bodyStart: bodyStart, charge: charge)
    }
}

/// The sockets of a pump, and the wake descriptor before them.
///
/// A socket that the pump waits for nothing of, such as a publisher, is not in the poll set.
struct PumpedSockets: ~Copyable {
    private var pollSet = PollSet()
    private var polled: [PumpedSocket] = []
    private var count = 0
    private let untold = UntoldSockets()

    init(wake descriptor: Int32) {
        pollSet.append(descriptor: descriptor, events: .readable)
    }

    var isEmpty: Bool { count == 0 }

    mutating func insert(_ socket: PumpedSocket, events: PollSet.Events) {
        precondition(!socket.isPumped, "the socket is pumped already")
        socket.isPumped = true
        socket.untold = untold
        count += 1
        setEvents(events, of: socket)
    }

    /// Takes a socket out, so that its owner may close it. One that is not in is left alone.
    mutating func remove(_ socket: PumpedSocket) {
        setEvents([], of: socket)
        if socket.isPumped { count -= 1 }
        socket.isPumped = false
        socket.untold = nil
    }

    /// Says what to wait for. A socket that is not in is left alone.
    mutating func setEvents(_ events: PollSet.Events, of socket: PumpedSocket) {
        guard socket.isPumped, events != socket.events else { return }
        socket.events = events
        // Nobody has looked while it was not wanted.
        if events.contains(.readable) { socket.mayBeReadable = true }
        stopPolling(socket)
        guard !events.isEmpty else { return }
        socket.index = pollSet.count
        polled.append(socket)
        if events == .readable {
            pollSet.append(descriptor: socket.descriptor, events: .readable)
        } else {
            // Whether there is room to send, libzmq has to be asked.
            pollSet.append(socket.socket, events: events)
        }
    }

    private mutating func stopPolling(_ socket: PumpedSocket) {
        guard let index = socket.index else { return }
        socket.index = nil
        pollSet.swapRemove(at: index)
        let last = polled.removeLast()
        if last !== socket {
            polled[index - 1] = last
            last.index = index
        }
    }

    /// Waits for the sockets; not at all if one may have something already.
    mutating func wait(milliseconds: Int) throws(ZeroMQError) {
        _ = try pollSet.wait(milliseconds: untold.sockets.isEmpty ? milliseconds : 0)
    }

    /// Whether the last wait found the wake descriptor readable.
    var isWakeReady: Bool { !pollSet.ready(at: 0).isEmpty }

    /// The sockets that the last wait found ready, or that may be, with their events.
    func collectReady(into ready: inout [(PumpedSocket, PollSet.Events)]) {
        // The wake descriptor is the first.
        pollSet.forEachReady { index, events in if index > 0 { ready.append((polled[index - 1], events)) } }
        for socket in untold.sockets {
            guard let index = socket.index, pollSet.ready(at: index).isEmpty else { continue }
            ready.append((socket, .readable))
        }
    }
}

/// The sockets that may be readable though their descriptors say nothing.
private final class UntoldSockets {
    private(set) var sockets: [PumpedSocket] = []

    func insert(_ socket: PumpedSocket) {
        guard socket.untoldIndex == nil else { return }
        socket.untoldIndex = sockets.count
        sockets.append(socket)
    }

    /// The last one takes its place.
    func remove(_ socket: PumpedSocket) {
        guard let index = socket.untoldIndex else { return }
        socket.untoldIndex = nil
        let last = sockets.removeLast()
        guard last !== socket else { return }
        sockets[index] = last
        last.untoldIndex = index
    }
}

extension PumpedSocket {
    /// Whether the socket is watched by its descriptor, and may be readable though that says nothing.
    fileprivate var isReadByDescriptor: Bool { mayBeReadable && events == .readable }
}
