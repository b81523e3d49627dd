import CZeroMQ
import Foundation
import ZeroMQ

@testable import BinaryStar

/// A ZeroMQ socket on a thread of its own: what a client or a peer has that is not written with this package.
///
/// It reads all the time, unless told not to, and notes when each message arrived.
final class RawSocket: Sendable {
    struct Arrival: Sendable {
        var message: Message
        var instant: ContinuousClock.Instant
    }

    let arrivals: AsyncStream<Arrival>
    /// The endpoint, wildcards resolved.
    let endpoint: String
    private let state: RawSocketState

    /// One for all tests, because each context costs two threads.
    private static let context = Result { try Context() }

    /// - Parameter reads: false for one that never reads what it gets.
    init(
        _ type: SocketType,
        bind: String? = nil,
        connect: String? = nil,
        reads: Bool = true,
        configure: (borrowing Socket) throws -> Void = { _ in }
    ) throws {
        let socket = try Socket(type, in: Self.context.get())
        try socket.set(.sendHighWaterMark, 0)
        if reads { try socket.set(.receiveHighWaterMark, 0) }
        if type == .sub { try socket.set(.subscribe, "") }
        try socket.set(.reconnectInterval, 5)
        try configure(socket)
        if let bind { try socket.bind(bind) }
        if let connect { try socket.connect(connect) }
        endpoint = try socket.lastEndpoint
        let (arrivals, continuation) = AsyncStream.makeStream(of: Arrival.self)
        self.arrivals = arrivals
        let state = RawSocketState(reads: reads && type != .pub && type != .push)
        self.state = state
        let owned = OwnedSocket(socket)
        Thread { state.pump(owned, continuation) }.start()
    }

    deinit {
        state.change { $0.isClosing = true }
    }

    /// Sends a message as soon as there is somebody to send it to.
    func send(_ message: Message) {
        state.change { $0.unsent.append(message) }
    }

    func send(_ frames: String...) {
        send(Message(frames: frames.map(\.utf8)))
    }

    /// Sends a message again and again from now on, or nothing any more.
    func beat(_ message: Message?, every milliseconds: Int = 10) {
        state.change { $0.beat = message.map { ($0, .milliseconds(milliseconds)) } }
    }

    /// Reads on, or no longer.
    func setReads(_ reads: Bool) {
        state.change { $0.reads = reads }
    }

    /// Closes the socket, and returns when that is done.
    func close() async {
        state.change { $0.isClosing = true }
        for await _ in arrivals {}
    }

    /// The next message, for which it waits.
    func next(within limit: Duration = patience) async throws -> Message {
        try await next(within: limit) { _ in true }
    }

    /// The next message for which `condition` holds; those before it are thrown away.
    @discardableResult
    func next(
        within limit: Duration = patience,
        where condition: @escaping @Sendable (Message) -> Bool
    ) async throws -> Message {
        let arrivals = arrivals
        return try await withTimeout(limit, "message") {
            for await arrival in arrivals where condition(arrival.message) { return arrival.message }
            throw DeadlineExceeded(what: "message, because the socket is closed")
        }
    }
}

/// A way to hand the one reference to a socket to its thread.
private final class OwnedSocket: @unchecked Sendable {
    // Sendable, because it is used by the thread that gets it, and by nobody else after that.
    var socket: Socket?
    init(_ socket: consuming Socket) { self.socket = consume socket }
}

/// What a raw socket's thread is told.
private final class RawSocketState: Sendable {
    struct Commands {
        var unsent: [Message] = []
        var reads: Bool
        var beat: (message: Message, interval: Duration)?
        var isClosing = false
    }

    private let commands: Lock<Commands>
    private let wake: [Int32]

    init(reads: Bool) {
        commands = Lock(Commands(reads: reads))
        var descriptors: [Int32] = [-1, -1]
        let status = czmq_wake_open(&descriptors)
        precondition(status == 0, "no descriptor left")
        wake = descriptors
    }

    deinit {
        czmq_wake_close(wake)
    }

    func change(_ change: @Sendable (inout Commands) -> Void) {
        commands.withLock { change(&$0) }
        czmq_wake_signal(wake[1])
    }

    func pump(_ owned: OwnedSocket, _ arrivals: AsyncStream<RawSocket.Arrival>.Continuation) {
        guard let socket = owned.socket.take() else { return }
        serve(socket, arrivals)
        _ = consume socket
        arrivals.finish()
    }

    private func serve(_ socket: borrowing Socket, _ arrivals: AsyncStream<RawSocket.Arrival>.Continuation) {
        var pollSet = PollSet()
        pollSet.append(descriptor: wake[0], events: .readable)
        var unsent: [Message] = []
        var sentCount = 0
        var nextBeat = ContinuousClock.now
        while true {
            let (isClosing, reads, beat) = commands.withLock { commands in
                unsent += commands.unsent
                commands.unsent = []
                return (commands.isClosing, commands.reads, commands.beat)
            }
            if let beat, nextBeat <= .now {
                unsent.append(beat.message)
                nextBeat = .now + beat.interval
            }
            while sentCount < unsent.count {
                guard let sent = try? socket.send(&unsent[sentCount]), case .sent = sent else { break }
                sentCount += 1
            }
            if sentCount == unsent.count {
                unsent = []
                sentCount = 0
            }
            if isClosing { return }
            var events: PollSet.Events = []
            if reads { events.insert(.readable) }
            if !unsent.isEmpty { events.insert(.writable) }
            pollSet.append(socket, events: events)
            defer { pollSet.swapRemove(at: 1) }
            let wait = beat.map { min($0.interval, max(.zero, nextBeat - .now)) } ?? .seconds(1)
            _ = try? pollSet.wait(milliseconds: max(1, Int(wait / .milliseconds(1))))
            czmq_wake_drain(wake[0])
            while reads, let message = (try? socket.receive()) ?? nil {
                arrivals.yield(RawSocket.Arrival(message: message, instant: .now))
                // A REQ socket speaks in turns.
                if socket.type == .req || socket.type == .rep { break }
            }
        }
    }
}
