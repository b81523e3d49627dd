import BinaryStarCore
import ZeroMQ

/// A SUB socket that is connected to an endpoint of the peer's, and its monitor. Used on the pump's thread only.
final class PeerConnection {
    let openedAt = MonotonicTime.now
    let socket: PumpedSocket
    /// Tells when the connection breaks.
    private let monitor: PumpedSocket
    /// A message whose memory the next receive may use.
    var spare: Message?

    /// Connects, and says when there is something to read.
    init(
        to endpoint: String,
        in loop: PumpLoop,
        timing: HeartbeatTiming,
        onMessage: @escaping () -> Void,
        onMonitor: @escaping () -> Void
    ) throws(ZeroMQError) {
        let socket = try Self.makeSocket(timing: timing, in: loop)
        // Before the socket connects: libzmq waits for a monitor that nobody reads.
        monitor = try PumpedSocket(loop.startMonitor(of: socket, .disconnected), priority: .control) { _ in onMonitor()
        }
        try socket.connect(endpoint)
        self.socket = try PumpedSocket(socket, priority: .control) { _ in onMessage() }
        loop.insert(monitor, events: .readable)
        loop.insert(self.socket, events: .readable)
    }

    /// Takes the sockets out of the pump, which closes them.
    func close(in loop: PumpLoop) {
        socket.socket.stopMonitor()
        loop.remove(monitor)
        loop.remove(socket)
    }

    /// Reads what the monitor has to say. Returns whether the connection broke.
    func readMonitor() -> Bool {
        var hasBroken = false
        while let message = try? monitor.receive() {
            if MonitorEvent(message)?.kind == .disconnected { hasBroken = true }
        }
        return hasBroken
    }

    /// Above what any peer of ours sends. libzmq drops the connection of a peer that sends more, before it takes the memory
    /// for it.
    private static let maximumFrameSize: Int64 = 2 << 20

    private static func makeSocket(timing: HeartbeatTiming, in loop: PumpLoop) throws(ZeroMQError) -> Socket {
        let socket = try loop.makeSocket(.sub)
        try socket.set(.receiveHighWaterMark, PeerLink.queueLength * 4)
        try socket.set(.maximumFrameSize, maximumFrameSize)
        try socket.set(.reconnectInterval, 100)
        // A lost SYN is tried again by the kernel after a second or more; this gives up earlier.
        try socket.set(.connectTimeout, Int32(clamping: max(100, timing.timeout.wholeNanoseconds / 1_000_000)))
        try socket.set(.subscribe, "")
        return socket
    }
}
