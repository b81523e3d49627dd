import BinaryStarCore
import ZeroMQ

/// How the two servers hear each other: a socket that publishes this server's role at every listen endpoint, and a subscriber
/// for each endpoint of the peer's. Used on the pump's thread only.
final class PeerLink {
    let publisher: PumpedSocket
    /// Where the publisher listens.
    let endpoints: [String]
    let subscribers: [PeerSubscriber]

    init(publisher: PumpedSocket, endpoints: [String], subscribers: [PeerSubscriber]) {
        self.publisher = publisher
        self.endpoints = endpoints
        self.subscribers = subscribers
    }

    /// Whether nothing leads to the peer any more: its process may be gone.
    var isBroken: Bool { subscribers.allSatisfy(\.isBroken) }

    /// Takes the sockets out of the pump, which closes them.
    func close(in loop: PumpLoop) {
        loop.remove(publisher)
        for subscriber in subscribers { subscriber.disconnect(in: loop) }
    }

    /// A publisher that listens at the endpoints, and what they are with the ports that the system chose.
    static func bindPublisher(
        _ endpoints: [String],
        in loop: PumpLoop
    ) throws(ZeroMQError) -> (PumpedSocket, [String]) {
        let socket = try loop.makeSocket(.pub)
        try socket.set(.sendHighWaterMark, PeerSubscriber.queueLength)
        // All that a subscriber sends are its subscriptions.
        try socket.set(.maximumFrameSize, 8 << 10)
        var bound: [String] = []
        for endpoint in endpoints {
            try socket.bind(endpoint)
            bound.append(try socket.lastEndpoint)
        }
        return (try PumpedSocket(socket, priority: .control) { _ in }, bound)
    }
}

/// One way to hear the peer: a subscriber at one endpoint of the peer's. Used on the pump's thread only.
final class PeerSubscriber {
    let endpoint: Endpoint
    private(set) var socket: PumpedSocket?
    /// Tells when the connection breaks.
    private(set) var monitor: PumpedSocket?
    /// A message whose memory the next receive may use.
    var spare: Message?
    /// When a valid heartbeat came this way, in this life of the star.
    private(set) var lastHeard: MonotonicTime?
    /// Whether the connection broke, or nothing ever came over it.
    private(set) var isBroken = true
    private var connectedAt = MonotonicTime(nanoseconds: 0)

    init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    func heard(at now: MonotonicTime) {
        lastHeard = now
        isBroken = false
    }

    /// Whether nothing has come this way for longer than `patience`, though there was time for it.
    func isSilent(for patience: Duration, at now: MonotonicTime) -> Bool {
        now - max(lastHeard ?? connectedAt, connectedAt) >= patience
    }

    /// Connects, and hands on what arrives.
    func connect(
        in loop: PumpLoop,
        timing: HeartbeatTiming,
        onMessage: @escaping () -> Void,
        onBreak: @escaping () -> Void
    ) throws(ZeroMQError) {
        let socket = try Self.makeSocket(timing: timing, in: loop)
        // Before the socket connects: libzmq waits for a monitor that nobody reads.
        let monitor = try PumpedSocket(loop.startMonitor(of: socket, .disconnected), priority: .control) { _ in
            onBreak()
        }
        try socket.connect(endpoint.text)
        let pumped = try PumpedSocket(socket, priority: .control) { _ in onMessage() }
        loop.insert(monitor, events: .readable)
        loop.insert(pumped, events: .readable)
        self.socket = pumped
        self.monitor = monitor
        connectedAt = .now
    }

    /// Takes the sockets out of the pump, which closes them.
    func disconnect(in loop: PumpLoop) {
        if let monitor {
            socket?.socket.stopMonitor()
            loop.remove(monitor)
        }
        if let socket { loop.remove(socket) }
        (monitor, socket) = (nil, nil)
        isBroken = true
    }

    /// Reads what the monitor has to say. Returns whether the connection broke.
    func readMonitor() -> Bool {
        var hasBroken = false
        while let message = try? monitor?.receive() {
            if MonitorEvent(message)?.kind == .disconnected { hasBroken = true }
        }
        return hasBroken
    }

    func broke() { isBroken = true }

    /// A heartbeat that waits for long is worth nothing.
    static let queueLength: Int32 = 16
    /// Above what any peer of ours sends. libzmq drops the connection of a peer that sends more, before it takes the memory
    /// for it.
    private static let maximumFrameSize: Int64 = 2 << 20

    private static func makeSocket(timing: HeartbeatTiming, in loop: PumpLoop) throws(ZeroMQError) -> Socket {
        let socket = try loop.makeSocket(.sub)
        try socket.set(.receiveHighWaterMark, queueLength * 4)
        try socket.set(.maximumFrameSize, maximumFrameSize)
        try socket.set(.reconnectInterval, 100)
        // A lost SYN is tried again by the kernel after a second or more; this gives up earlier.
        try socket.set(.connectTimeout, Int32(clamping: max(100, timing.timeout.wholeNanoseconds / 1_000_000)))
        try socket.set(.subscribe, "")
        return socket
    }
}
